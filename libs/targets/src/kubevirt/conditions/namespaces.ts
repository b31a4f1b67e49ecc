import type { Condition, KubeVirtSettings } from '@ledgerlift/contracts';
import type { PlanAtTarget } from '../../plan.js';
import { resources } from '../resources.js';
import type { ClusterView } from '../inventory/cluster-inventory.js';
import { condition } from './condition-types.js';
import { isKnown, namespacesOf } from './facts.js';

/** Checks that the target namespaces are allowed, exist and admit the pods. Pure. */
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
      return refused('NotAllowed', `is not allowed by '${plan.targetName}', only ${allowed.join(', ')}`);
    if (!isKnown(cluster, resources.namespaces)) return [];
    const found = cluster.namespaces.find(({ name }) => name === namespace);
    if (found === undefined)
      return refused('NotFound', `does not exist in the cluster of '${plan.targetName}'`);
    if (found.isEnding) return refused('Ending', 'is being deleted');
    if (found.podSecurity !== 'restricted') return [];
    const message = `the namespace '${namespace}' admits only pods of the level restricted`;
    return [condition('RestrictedPodSecurity', 'Restricted', message, [namespace])];
  });
}
