import { type Condition, listed } from '@ledgerlift/contracts';
import type { PlanAtTarget } from '../../plan.js';
import type { ClusterView } from '../inventory/cluster-inventory.js';
import { resources } from '../resources.js';
import { condition } from './condition-types.js';
import { isKnown } from './facts.js';
import { podRequests } from './worker-pods.js';

/** Checks that there are nodes for the VMs and storage for the state of their TPMs. Pure. */
export function checkNodes(plan: PlanAtTarget, cluster: ClusterView): readonly Condition[] {
  return [
    ...(isKnown(cluster, resources.nodes) ? checkCapacity(plan, cluster) : []),
    ...(isKnown(cluster, resources.storageClasses) && isKnown(cluster, resources.kubevirts)
      ? checkTpms(plan, cluster)
      : []),
  ];
}

function checkCapacity({ vms, targetName }: PlanAtTarget, cluster: ClusterView): readonly Condition[] {
  const nodes = cluster.nodes.filter(({ isReady, takesVms }) => isReady && takesVms);
  if (nodes.length === 0) {
    const message = `none of the ${cluster.nodes.length} nodes of '${targetName}' is ready and schedulable for VMs`;
    return [condition('NoNodeTakesVMs', 'NotSchedulable', message, [targetName])];
  }
  const large = vms.flatMap((each) => {
    const { cores, memoryBytes } = podRequests(each, cluster);
    const fits = nodes.some(
      ({ allocatable }) => allocatable.cores >= cores && allocatable.memoryBytes >= memoryBytes,
    );
    return fits ? [] : [each.vm.name];
  });
  if (large.length === 0) return [];
  const message = `no node of '${targetName}' is large enough for ${listed(large)}`;
  return [condition('VMLargerThanNodes', 'TooLarge', message, large)];
}

// KubeVirt v1.8.0, pkg/storage/backend-storage/backend-storage.go, getStorageClass: the configured class, else KubeVirt's default,
// else the cluster's.
function checkTpms({ vms }: PlanAtTarget, cluster: ClusterView): readonly Condition[] {
  const names = vms.filter(({ vm }) => vm.tpm).map(({ vm }) => vm.name);
  const hasClass =
    cluster.kubevirts.some(({ vmStateStorageClass }) => vmStateStorageClass !== undefined) ||
    cluster.storageClasses.some(({ isDefault, isDefaultForVms }) => isDefault || isDefaultForVms);
  if (names.length === 0 || hasClass) return [];
  const message = `${listed(names)} have a TPM, but there is no default storage class`;
  return [condition('TPMStateHasNoStorage', 'NoDefaultClass', message, names)];
}
