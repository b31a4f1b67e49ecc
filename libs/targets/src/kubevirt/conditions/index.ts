import type { Condition, KubeVirtSettings } from '@ledgerlift/contracts';
import { checkAdoptedDisks, checkClaimNames, checkNamesFree } from '../../conditions.js';
import type { PlanAtTarget, TargetAt } from '../../plan.js';
import type { KubeVirtView } from '../look.js';
import { checkKnowledge, checkRights } from './knowledge.js';
import { checkInstanceTypes, checkMachines } from './machines.js';
import { checkNamespaces } from './namespaces.js';
import { checkAddresses, checkNetworksOfCluster } from './networks.js';
import { checkNodes } from './nodes.js';
import { checkRoom } from './room.js';
import { checkStoragesOfCluster, checkVolumes } from './storages.js';
import { checkWorkerPods } from './worker-pods.js';

export { kubevirtConditionTypes } from './condition-types.js';

/**
 * Returns the conditions that a cluster raises on a plan. Checks skip facts that the view does not know; `TargetNotKnown` covers
 * those that the plan depends on. Pure.
 */
export function conditions(
  { settings }: TargetAt<KubeVirtSettings>,
  plan: PlanAtTarget,
  { cluster, missing, taken, adopted }: KubeVirtView,
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
    ...checkAdoptedDisks(plan, adopted),
    ...checkRoom(settings, plan, cluster),
    ...checkNodes(plan, cluster),
    ...checkInstanceTypes(plan, cluster),
    ...checkMachines(plan, cluster),
    ...checkAddresses(plan, cluster),
    ...checkWorkerPods(settings, plan, cluster),
  ];
}
