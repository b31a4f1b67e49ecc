import type { ClusterAccess, KubeVirtSettings } from '@ledgerlift/contracts';
import type { Target } from '../port.js';
import { conditions, kubevirtConditionTypes } from './conditions/index.js';
import { itineraryFor } from './itinerary.js';
import { claimsFor } from './ledger.js';
import { type KubeVirtView, closeInventories, look } from './look.js';
import { manifestsOf } from './manifests.js';
import { roleManifest } from './permissions/roles.js';
import { place } from './place.js';
import { ensurePodOf, workplace } from './workplace.js';

/** A Kubernetes cluster with KubeVirt: disks in claims, and a `VirtualMachine`. */
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
  // Logs are kept where the pod that wrote them keeps them.
  readLog: () => Promise.resolve(undefined),
  workplace,
  pods: { ensure: ensurePodOf },
  close: closeInventories,
  where: ({ settings, secret }) => whereIs(settings.access, secret?.name),
};

function whereIs(access: ClusterAccess, secret = 'none'): string {
  if (access.kind === 'token') return access.url;
  if (access.kind === 'in-cluster') return 'the cluster that Ledgerlift runs in';
  const context = access.context === undefined ? '' : `, context '${access.context}'`;
  return `the cluster of the kubeconfig in the secret '${secret}'${context}`;
}
