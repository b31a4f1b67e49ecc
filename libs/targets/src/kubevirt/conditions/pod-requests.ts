import type { VmAtTarget } from '../../plan.js';
import type { ClusterView } from '../inventory/cluster-inventory.js';
import { instanceTypeOf } from './instance-types.js';

/** What a VM's pod asks its node for. */
export interface PodRequests {
  readonly cores: number;
  readonly memoryBytes: number;
}

const MiB = 2 ** 20;
/** KubeVirt's own, v1.8.0, pkg/virt-config/virt-config.go. */
const DEFAULT_CPU_ALLOCATION_RATIO = 10;
// KubeVirt's GetMemoryOverhead (pkg/hypervisor/kvm, earlier pkg/virt-controller/services/renderresources.go), for amd64: what runs in the
// pod beside the guest (25 + 100 + 25 + 40 + 30), one thread for I/O, and the memory of the screen; then what each CPU, a TPM and a
// passed-through function add.
const FIXED = (220 + 8 + 32) * MiB;
const EACH_CPU = 8 * MiB;
const TPM = 53 * MiB;
const PASSED_THROUGH = 1024 * MiB;
const PAGE_TABLES = 1 / 512;

/** What KubeVirt has the pod of such a VM ask for. Pure. */
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
