import {
  type ClusterAccess,
  type Condition,
  type ConditionCatalogue,
  type KubeVirtSettings,
  conditionsOf,
} from '@ledgerlift/contracts';
import { usualItinerary } from '../itinerary.js';
import type { PlanAtTarget } from '../plan.js';
import type { Target } from '../port.js';
import { conditions, kubevirtConditionTypes } from './conditions/index.js';
import { claimsFor } from './ledger.js';
import { type KubeVirtView, closeInventories, look } from './look.js';
import { manifestsOf } from './manifests.js';
import { roleManifest } from './permissions/roles.js';
import { place } from './place.js';
import { workplace } from './workplace.js';

const untilItDoes = {
  MigrationIntoClusterNotAvailable: {
    category: 'Critical',
    when: 'the target is a cluster, into which this version does not migrate yet',
    wayOut: 'validate and render the plan; to migrate, choose a target of another type',
  },
} as const satisfies ConditionCatalogue;
const condition = conditionsOf(untilItDoes);

/** No worker reaches the claims of a cluster: that is known before anything is made. */
const notAvailable = ({ targetName }: PlanAtTarget): readonly Condition[] => [
  condition(
    'MigrationIntoClusterNotAvailable',
    'NoWorkerPods',
    `this version validates and renders plans for '${targetName}', and does not migrate into a cluster yet`,
    [targetName],
  ),
];

/** A Kubernetes cluster with KubeVirt: disks in claims, and a `VirtualMachine`. */
export const kubevirtTarget: Target<KubeVirtSettings, KubeVirtView> = {
  type: 'kubevirt',
  role: { target: 'KubeVirt cluster', manifest: roleManifest },
  conditionTypes: { ...kubevirtConditionTypes, ...untilItDoes },
  look,
  conditions: (target, plan, view) => [...notAvailable(plan), ...conditions(target, plan, view)],
  place,
  itineraryFor: (record, targetSites) => usualItinerary(record, claimsFor(record), targetSites),
  claimsFor,
  render: manifestsOf,
  // Logs are kept where the pod that wrote them keeps them.
  readLog: () => Promise.resolve(undefined),
  workplace,
  close: closeInventories,
  where: ({ settings, secret }) => whereIs(settings.access, secret?.name),
};

function whereIs(access: ClusterAccess, secret = 'none'): string {
  if (access.kind === 'token') return access.url;
  if (access.kind === 'in-cluster') return 'the cluster that Ledgerlift runs in';
  const context = access.context === undefined ? '' : `, context '${access.context}'`;
  return `the cluster of the kubeconfig in the secret '${secret}'${context}`;
}
