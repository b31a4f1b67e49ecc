import { type Condition, type KubeVirtSettings, conditionsOf } from '@ledgerlift/contracts';
import type { PlanAtTarget } from '../../plan.js';
import type { ClusterView } from '../inventory/cluster-inventory.js';
import { resources } from '../resources.js';
import { kubevirtConditionTypes } from './condition-types.js';
import { isKnown, namespacesOf } from './facts.js';

const condition = conditionsOf(kubevirtConditionTypes);

/** The namespaces of the plan's VMs can take them. Pure. */
export function checkNamespaces(
  { namespaces: allowed }: KubeVirtSettings,
  plan: PlanAtTarget,
  cluster: ClusterView,
): readonly Condition[] {
  return namespacesOf(plan).flatMap((namespace) => {
    const refused = (reason: string, message: string): readonly Condition[] => [
      condition('NamespaceNotValid', reason, `the namespace '${namespace}' ${message}`, [namespace]),
    ];
    if (!allowed.includes(namespace))
      return refused('NotAllowed', `is not among those of '${plan.targetName}', ${allowed.join(', ')}`);
    if (!isKnown(cluster, resources.namespaces)) return [];
    const found = cluster.namespaces.find(({ name }) => name === namespace);
    if (found === undefined) return refused('NotFound', `is not in the cluster of '${plan.targetName}'`);
    if (found.isEnding) return refused('Ending', 'is being deleted');
    if (found.podSecurity !== 'restricted') return [];
    const message = `the namespace '${namespace}' admits only pods of the level restricted`;
    return [condition('RestrictedPodSecurity', 'Restricted', message, [namespace])];
  });
}
