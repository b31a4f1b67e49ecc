import { type Condition, type KubeVirtSettings, conditionsOf } from '@ledgerlift/contracts';
import type { PlanAtTarget } from '../../plan.js';
import type { ClusterView } from '../inventory/cluster-inventory.js';
import { resources } from '../resources.js';
import { kubevirtConditionTypes } from './condition-types.js';
import { isKnown, namespacesOf } from './facts.js';

const condition = conditionsOf(kubevirtConditionTypes);

/** Pods can work beside the disks of the plan: the settings say how, and what they name is there. Pure. */
export function checkWorkerPods(
  { worker }: KubeVirtSettings,
  plan: PlanAtTarget,
  cluster: ClusterView,
): readonly Condition[] {
  const { targetName } = plan;
  if (worker === undefined) {
    const message = `the settings of '${targetName}' do not say which image the pods run that copy and convert`;
    return [condition('WorkerPodsNotValid', 'NotConfigured', message, [targetName])];
  }
  const { scratchStorageClass, transferNetwork } = worker;
  const isThere = cluster.storageClasses.some(({ name }) => name === scratchStorageClass);
  const scratch =
    isThere || !isKnown(cluster, resources.storageClasses)
      ? []
      : [
          condition(
            'WorkerPodsNotValid',
            'ScratchStorageNotFound',
            `'${targetName}' has no storage class '${scratchStorageClass}' for what stands beside the disks`,
            [scratchStorageClass],
          ),
        ];
  if (transferNetwork === undefined || !isKnown(cluster, resources.networks)) return scratch;
  const wanted = namespacesOf(plan).map(
    (namespace) => `${transferNetwork.namespace ?? namespace}/${transferNetwork.name}`,
  );
  const missing = wanted.filter(
    (each) => !cluster.networks.some(({ namespace, name }) => `${namespace}/${name}` === each),
  );
  return [
    ...scratch,
    ...missing.map((each) =>
      condition(
        'TransferNetworkNotValid',
        'NotFound',
        `worker pods read their sources over '${each}', which '${targetName}' does not have`,
        [each],
      ),
    ),
  ];
}
