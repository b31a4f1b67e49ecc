import type { Condition, KubeVirtSettings } from '@ledgerlift/contracts';
import type { PlanAtTarget, VmAtTarget } from '../../plan.js';
import { resources } from '../resources.js';
import type { ClusterView } from '../inventory/cluster-inventory.js';
import { quantity } from '../inventory/storage-facts.js';
import { servicesOf } from '../pod/pod-object.js';
import { condition } from './condition-types.js';
import { isKnown, namespacesOf } from './facts.js';
import { instanceTypeOf } from './machines.js';

/** Checks that worker pods can run: the settings are complete, and the objects that they name exist. Pure. */
export function checkWorkerPods(
  { worker }: KubeVirtSettings,
  plan: PlanAtTarget,
  cluster: ClusterView,
): readonly Condition[] {
  const { targetName } = plan;
  if (worker === undefined) {
    const message = `the settings of '${targetName}' name no image for the pods that copy and convert`;
    return [condition('WorkerPodsNotValid', 'NotConfigured', message, [targetName])];
  }
  const { scratchStorageClass, transferNetwork, limits } = worker;
  const isThere = cluster.storageClasses.some(({ name }) => name === scratchStorageClass);
  const scratch =
    isThere || !isKnown(cluster, resources.storageClasses)
      ? []
      : [
          condition(
            'WorkerPodsNotValid',
            'ScratchStorageNotFound',
            `'${targetName}' has no storage class '${scratchStorageClass}' for the scratch claim`,
            [scratchStorageClass],
          ),
        ];
  // If a quota counts a limit, Kubernetes refuses pods without it. The memory limit has a default of ours.
  const counting = cluster.quotas.filter(
    ({ namespace, hard, isScoped }) =>
      namespacesOf(plan).includes(namespace) &&
      !isScoped &&
      hard['limits.cpu'] !== undefined &&
      (limits.cpu ?? defaultLimit(namespace, cluster)) === undefined,
  );
  const settled = [
    ...scratch,
    ...counting.map(({ namespace, name }) =>
      condition(
        'WorkerPodsNotValid',
        'LimitMissing',
        `the quota '${name}' of '${namespace}' counts limits.cpu, but worker pods of '${targetName}' have none`,
        [`${namespace}/${name}`],
      ),
    ),
  ];
  if (transferNetwork === undefined || !isKnown(cluster, resources.networks)) return settled;
  const wanted = namespacesOf(plan).map(
    (namespace) => `${transferNetwork.namespace ?? namespace}/${transferNetwork.name}`,
  );
  const missing = wanted.filter(
    (each) => !cluster.networks.some(({ namespace, name }) => `${namespace}/${name}` === each),
  );
  return [
    ...settled,
    ...missing.map((each) =>
      condition(
        'TransferNetworkNotValid',
        'NotFound',
        `worker pods should read their sources over '${each}', which '${targetName}' does not have`,
        [each],
      ),
    ),
  ];
}

type Amount = Readonly<Record<'cpu' | 'memory', number>>;
interface PodAmounts {
  readonly requests: Amount;
  readonly limits: Amount;
}
/** Resource needs of a namespace's worker pods. */
export interface WorkerNeeds {
  /** Number of pods that run at once. */
  readonly pods: number;
  /** Needs of one pod as quotas and schedulers count them: the sum of its containers. */
  readonly each: PodAmounts;
  /** The largest container of one. */
  readonly container: PodAmounts;
}

const NOTHING: PodAmounts = { requests: { cpu: 0, memory: 0 }, limits: { cpu: 0, memory: 0 } };

/** Computes the needs of the plan's worker pods in a namespace, for as many VMs as migrate at once. Pure. */
export function workerNeeds(
  namespace: string,
  { worker }: KubeVirtSettings,
  { spec, vms }: PlanAtTarget,
  cluster: ClusterView,
): WorkerNeeds {
  const waiting = vms.filter((vm) => vm.targetNamespace === namespace && !(vm.isCopied && vm.isConverted));
  if (worker === undefined || waiting.length === 0) return { pods: 0, each: NOTHING, container: NOTHING };
  const containers = servicesOf(spec).length;
  const requests = amountOf(worker.requests);
  const { cpu = defaultLimit(namespace, cluster), memory } = worker.limits;
  const limits = amountOf({ ...(cpu === undefined ? {} : { cpu }), memory });
  return {
    pods: Math.min(waiting.length, spec.maxConcurrentMigrations),
    // The containers share one request, and each may use it all (`pod-object.ts`).
    each: {
      requests,
      limits: { cpu: containers * limits.cpu, memory: containers * limits.memory },
    },
    container: { requests, limits },
  };
}

/** Default CPU limit of the namespace's containers; undefined if there is none. */
export const defaultLimit = (namespace: string, { limitRanges }: ClusterView): string | undefined =>
  limitRanges
    .filter((range) => range.namespace === namespace)
    .flatMap(({ limits }) => limits)
    .filter(({ type }) => type === 'Container')
    .map(({ default: { cpu } }) => cpu)
    .find((cpu) => cpu !== undefined);

const amountOf = ({
  cpu = '',
  memory = '',
}: {
  readonly cpu?: string;
  readonly memory?: string;
}): Amount => ({
  cpu: quantity(cpu) ?? 0,
  memory: quantity(memory) ?? 0,
});

/** Resource requests of a VM's pod. */
export interface PodRequests {
  readonly cores: number;
  readonly memoryBytes: number;
}

const MiB = 2 ** 20;
/** KubeVirt's default: v1.8.0, pkg/virt-config/virt-config.go. */
const DEFAULT_CPU_ALLOCATION_RATIO = 10;
// KubeVirt's GetMemoryOverhead (pkg/hypervisor/kvm, earlier pkg/virt-controller/services/renderresources.go), for amd64: the pod's
// processes besides the guest (25 + 100 + 25 + 40 + 30), one I/O thread, video memory; plus each CPU, a TPM and a passed-through function.
const FIXED = (220 + 8 + 32) * MiB;
const EACH_CPU = 8 * MiB;
const TPM = 53 * MiB;
const PASSED_THROUGH = 1024 * MiB;
const PAGE_TABLES = 1 / 512;

/** Computes the requests that KubeVirt gives the VM's pod. Pure. */
export function podRequests(at: VmAtTarget, cluster: ClusterView): PodRequests {
  const { vm } = at;
  const { kubevirts } = cluster;
  const type = instanceTypeOf(at, cluster);
  const cpus = Math.max(type?.cpus ?? vm.cpu.count, 1);
  const ratio = kubevirts[0]?.cpuAllocationRatio ?? DEFAULT_CPU_ALLOCATION_RATIO;
  const memoryBytes =
    (type?.memoryBytes ?? vm.memory.bytes) * (1 + PAGE_TABLES) +
    FIXED +
    EACH_CPU * cpus +
    (vm.tpm ? TPM : 0) +
    (vm.nics.some(({ kind }) => kind === 'sriov') ? PASSED_THROUGH : 0);
  return { cores: cpus / Math.max(ratio, 1), memoryBytes };
}
