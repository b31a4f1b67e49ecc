import type { VmRecord } from '@ledgerlift/contracts';
import type { TargetVm } from './target-vm.js';

/** Properties of a VM, at the source or at the target, for comparison by users. */
export interface VmSide {
  /** Undefined if its instance type decides. */
  readonly cpus: number | undefined;
  /** Undefined if its instance type decides. */
  readonly memoryBytes: number | undefined;
  /** Such as `efi, secure boot, TPM`. */
  readonly firmware: string;
  /** Family of the guest's operating system. */
  readonly os: string;
  readonly diskBytes: readonly number[];
  /** One for each NIC. */
  readonly networks: readonly string[];
}

export interface VmSummary {
  readonly source: VmSide;
  readonly target: VmSide & {
    readonly claims: readonly string[];
    readonly instanceType: string | undefined;
  };
}

/** Returns a VM before and after migration, side by side. Pure. */
export function summaryOf({ source: { vm } }: VmRecord, target: TargetVm): VmSummary {
  const { sockets, cores, threads } = target.cpu;
  const isOwn = target.instanceType === undefined;
  return {
    source: {
      cpus: vm.cpu.count,
      memoryBytes: vm.memory.bytes,
      firmware: firmwareOf(vm),
      os: vm.os.family,
      diskBytes: vm.disks.map(({ capacityBytes }) => capacityBytes),
      networks: vm.nics.map(({ network }) => network),
    },
    target: {
      cpus: isOwn ? sockets * cores * threads : undefined,
      memoryBytes: isOwn ? target.memoryBytes : undefined,
      instanceType: target.instanceType?.name,
      firmware: firmwareOf(target),
      os: target.family,
      diskBytes: target.disks.map(({ bytes }) => bytes),
      networks: target.nics.map(({ network }) => (network.type === 'pod' ? 'pod' : network.name)),
      claims: target.disks.map(({ pvc }) => pvc.name),
    },
  };
}

const firmwareOf = ({
  firmware,
  secureBoot,
  tpm,
}: Pick<TargetVm, 'firmware' | 'secureBoot' | 'tpm'>): string =>
  [firmware, ...(secureBoot ? ['secure boot'] : []), ...(tpm ? ['TPM'] : [])].join(', ');
