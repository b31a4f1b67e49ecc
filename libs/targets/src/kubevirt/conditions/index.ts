import type { Condition, KubeVirtSettings } from '@ledgerlift/contracts';
import { checkBroughtDisks } from '../../conditions/brought.js';
import { checkClaimNames, checkNamesFree } from '../../conditions/names.js';
import type { PlanAtTarget, TargetAt } from '../../plan.js';
import type { KubeVirtView } from '../look.js';
import { checkAddresses } from './addresses.js';
import { checkInstanceTypes } from './instance-types.js';
import { checkKnowledge, checkRights } from './knowledge.js';
import { checkMachines } from './machines.js';
import { checkNamespaces } from './namespaces.js';
import { checkNetworksOfCluster } from './networks.js';
import { checkNodes } from './nodes.js';
import { checkRoom } from './room.js';
import { checkStoragesOfCluster } from './storages.js';
import { checkVolumes } from './volumes.js';
import { checkWorkerPods } from './worker-pods.js';

export { kubevirtConditionTypes } from './condition-types.js';

/**
 * What stands against a plan at a cluster. What the view does not know is not judged: that it is not known stands against the plan
 * itself, where the plan depends on it. Pure.
 */
export function conditions(
  { settings }: TargetAt<KubeVirtSettings>,
  plan: PlanAtTarget,
  { cluster, missing, taken, brought }: KubeVirtView,
): readonly Condition[] {
  return [
    ...checkRights(plan, missing),
    ...checkKnowledge(plan, cluster, missing),
    ...checkNamespaces(settings, plan, cluster),
    ...checkNamesFree(plan, taken),
    ...checkClaimNames(plan),
    ...checkNetworksOfCluster(plan, cluster),
    ...checkStoragesOfCluster(plan, cluster),
    ...checkVolumes(plan, cluster),
    ...checkBroughtDisks(plan, brought),
    ...checkRoom(plan, cluster),
    ...checkNodes(plan, cluster),
    ...checkInstanceTypes(plan, cluster),
    ...checkMachines(plan, cluster),
    ...checkAddresses(plan, cluster),
    ...checkWorkerPods(settings, plan, cluster),
  ];
}
