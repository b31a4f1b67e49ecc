import type { ClusterAccess, KubeVirtSettings } from '@ledgerlift/contracts';
import type { Target } from '../port.js';
import { conditions, kubevirtConditionTypes } from './conditions/index.js';
import { itineraryFor, manifestsOf, place } from './place.js';
import { claimsFor } from './ledger.js';
import { type KubeVirtView, closeInventories, look } from './look.js';
import { roleManifest } from './permissions/roles.js';
import { ensurePodOf, readLogOf, workplace } from './workplace.js';

/** A target that creates claims and a `VirtualMachine` in a Kubernetes cluster with KubeVirt. */
export const kubevirtTarget: Target<KubeVirtSettings, KubeVirtView> = {
  type: 'kubevirt',
  role: { target: 'KubeVirt cluster', manifest: roleManifest },
  conditionTypes: kubevirtConditionTypes,
  look,
  conditions,
  place,
  itineraryFor,
  claimsFor,
  render: manifestsOf,
  readLog: readLogOf,
  workplace,
  pods: { ensure: ensurePodOf, environment: ({ settings }) => settings.worker?.settings ?? {} },
  close: closeInventories,
  where: ({ settings, secret }) => whereIs(settings.access, secret?.name),
};

function whereIs(access: ClusterAccess, secret = 'none'): string {
  if (access.kind === 'token') return access.url;
  if (access.kind === 'in-cluster') return 'the cluster that Ledgerlift runs in';
  const context = access.context === undefined ? '' : `, context '${access.context}'`;
  return `the cluster of the kubeconfig in the secret '${secret}'${context}`;
}
