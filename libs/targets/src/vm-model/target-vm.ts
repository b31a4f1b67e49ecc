import type {
  GuestCapabilities,
  Inspection,
  MachineSettings,
  SourceVm,
  TargetNic,
  VmRecord,
} from '@ledgerlift/contracts';
import type { z } from 'zod';
import { allocatedSize } from '../files/layout.js';
import { RecordMismatch } from '../errors.js';
import { networkName, volumeName } from '../names.js';
import { diskSerial, type MachineIdentity, machineIdentity, nicAddress } from './identity.js';

export interface TargetVmDisk {
  /** `disk-0`, … in the record's order, unless the plan has a template. */
  readonly name: string;
  /** Path relative to the target's root. */
  readonly file: string;
  readonly format: 'raw' | 'qcow2';
  readonly bytes: number;
  readonly bus: 'virtio' | 'sata';
  /** From 1, in the order in which the firmware tries the disks. */
  readonly bootOrder: number;
  readonly serial: string;
  /** Size of a logical sector. IDE and SATA support only 512 (QEMU, hw/ide/ide-dev.c). */
  readonly sectorBytes: number;
  readonly pvc: Pick<VmRecord['disks'][number], 'storageClass' | 'accessMode' | 'volumeMode'> & {
    readonly name: string;
  };
}

export interface TargetVmNic {
  /** `net-0`, …, unless the plan has a template. */
  readonly name: string;
  readonly mac: string | undefined;
  readonly model: 'virtio' | 'e1000e';
  readonly network: NonNullable<z.infer<typeof TargetNic>['network']>;
  readonly kind: SourceVm['nics'][number]['kind'];
}

/** KubeVirt's term for whether the machine runs. */
export type RunStrategy = 'Always' | 'Halted';

/** The model of the resulting VM, from which every manifest, domain and boot proof is made. */
export interface TargetVm {
  readonly name: string;
  readonly namespace: string;
  readonly origin: {
    readonly installation: string;
    readonly migration: string;
    readonly plan: string;
    readonly vm: number;
    readonly sourceName: string;
  };
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly identity: MachineIdentity;
  readonly family: SourceVm['os']['family'];
  /** With an instance type, this and `memoryBytes` only describe the source. */
  readonly cpu: CpuTopology;
  /** Undefined lets the target choose. */
  readonly cpuModel: string | undefined;
  /** Whether the guest may run VMs itself; undefined leaves it to the CPU model. */
  readonly nestedVirtualization: boolean | undefined;
  readonly memoryBytes: number;
  readonly instanceType: MachineSettings['instanceType'];
  readonly preference: MachineSettings['preference'];
  readonly scheduling: Pick<MachineSettings, 'targetNodeSelector' | 'targetAffinity' | 'targetTolerations'>;
  readonly firmware: 'bios' | 'efi';
  readonly secureBoot: boolean;
  readonly tpm: boolean;
  /**
   * Whether UEFI variables survive a stop of the VM. They must with a TPM, which seals BitLocker's key to them, and can share the claim
   * of the TPM's state. Other guests boot without them, which saves a claim.
   */
  readonly keepsVariables: boolean;
  readonly disks: readonly TargetVmDisk[];
  readonly nics: readonly TargetVmNic[];
  readonly rng: boolean;
  readonly balloon: boolean;
  readonly runStrategy: RunStrategy;
}

/** Findings of earlier steps. */
export interface TargetVmFindings {
  readonly inspection?: Inspection | undefined;
  /** Absent if the guest was not converted. */
  readonly capabilities?: GuestCapabilities | undefined;
  /** State when the migration began; the inventory's by default. */
  readonly sourcePowerState?: SourceVm['powerState'] | undefined;
  /** Id of each disk → its size when copied, because a disk may have grown since it was recorded. */
  readonly diskSizes?: ReadonlyMap<string, number> | undefined;
}

/**
 * Builds the target VM of a record. Pure.
 * @throws RecordMismatch if the source has no such disk or NIC as the record
 */
export function targetVm(record: VmRecord, findings: TargetVmFindings = {}): TargetVm {
  const { vm } = record.source;
  const machine = record.machine ?? {};
  const { inspection, capabilities } = findings;
  const devices = devicesFor(record.settings, capabilities);
  // virt-v2v's findings in the guest are more reliable than the source's metadata.
  const firmware = inspection?.firmware ?? vm.firmware;
  return {
    name: record.targetName,
    namespace: record.targetNamespace,
    origin: {
      installation: record.installation,
      migration: record.migrationId,
      plan: record.planName,
      vm: record.index,
      sourceName: vm.name,
    },
    labels: record.labels,
    annotations: machine.annotations ?? {},
    identity: machineIdentity(vm),
    family: inspection?.family ?? vm.os.family,
    cpu: cpuTopology(vm.cpu),
    cpuModel: machine.cpuModel,
    // A source may leave it off just because nobody needed it, so only the plan can forbid it.
    nestedVirtualization: machine.nestedVirtualization ?? (vm.cpu.nested === true ? true : undefined),
    memoryBytes: vm.memory.bytes,
    instanceType: machine.instanceType,
    preference: machine.preference,
    scheduling: machine,
    firmware,
    secureBoot: vm.secureBoot && firmware === 'efi',
    tpm: vm.tpm,
    keepsVariables: vm.tpm && firmware === 'efi',
    disks: disksOf(record, devices.diskBus, inspection?.bootDisk ?? 0, findings.diskSizes),
    nics: record.nics.flatMap((nic, index): TargetVmNic[] => {
      const source = vm.nics.find((each) => each.id === nic.nicId);
      if (source === undefined)
        throw new RecordMismatch(`"${record.targetName}" has no NIC "${nic.nicId}" at the source`);
      if (nic.network === null) return [];
      const mac = nicAddress(nic.mac ?? source.mac, nic.network.type);
      const name = networkName(machine.networkNameTemplate, nic.network, index);
      return [{ name, mac, model: devices.nicModel, network: nic.network, kind: source.kind }];
    }),
    rng: devices.rng,
    balloon: devices.balloon,
    runStrategy: runStrategyOf(record.powerState, findings.sourcePowerState ?? vm.powerState),
  };
}

function disksOf(
  record: VmRecord,
  bus: TargetVmDisk['bus'],
  bootDisk: number,
  sizes: ReadonlyMap<string, number> = new Map(),
): TargetVmDisk[] {
  return record.disks.map((disk, index) => {
    const source = record.source.vm.disks.find((each) => each.id === disk.diskId);
    if (source === undefined)
      throw new RecordMismatch(`"${record.targetName}" has no disk "${disk.diskId}" at the source`);
    const { storageClass, accessMode, volumeMode } = disk;
    return {
      name: volumeName(record.machine?.volumeNameTemplate, disk.pvcName, index),
      file: disk.name,
      format: disk.format,
      bytes: allocatedSize(sizes.get(disk.diskId) ?? source.capacityBytes),
      bus,
      // Put the disk with the boot loader first and keep the order of the others.
      bootOrder: index === bootDisk ? 1 : index < bootDisk ? index + 2 : index + 1,
      serial: diskSerial(record, source),
      sectorBytes: bus === 'virtio' ? (source.sectorBytes ?? 512) : 512,
      pvc: { name: disk.pvcName, storageClass, accessMode, volumeMode },
    };
  });
}

function runStrategyOf(wanted: VmRecord['powerState'], source: SourceVm['powerState']): RunStrategy {
  if (wanted === 'auto') return source === 'on' ? 'Always' : 'Halted';
  return wanted === 'on' ? 'Always' : 'Halted';
}

export interface CpuTopology {
  readonly sockets: number;
  readonly cores: number;
  readonly threads: number;
}

/**
 * Chooses sockets and cores whose product is the number of CPUs. If the source's cores do not divide it, each CPU is a socket. Zero
 * CPUs count as one.
 */
export function cpuTopology(cpu: SourceVm['cpu']): CpuTopology {
  const count = Math.max(1, cpu.count);
  const cores = count % cpu.coresPerSocket === 0 ? cpu.coresPerSocket : 1;
  return { sockets: count / cores, cores, threads: 1 };
}

export type TargetDevices = GuestCapabilities;

/**
 * Chooses the guest's devices. Uses virtio only if the conversion installed its drivers, or the user chose a raw copy without
 * compatibility mode. Otherwise uses SATA and e1000e, for which every guest has drivers.
 *
 * @param capabilities the drivers that the guest has after its conversion; undefined without a conversion
 */
export function devicesFor(
  settings: Pick<VmRecord['settings'], 'skipGuestConversion' | 'useCompatibilityMode'>,
  capabilities?: GuestCapabilities,
): TargetDevices {
  if (capabilities !== undefined) return capabilities;
  const isAskedFor = settings.skipGuestConversion && !settings.useCompatibilityMode;
  return isAskedFor
    ? { diskBus: 'virtio', nicModel: 'virtio', rng: true, balloon: true }
    : { diskBus: 'sata', nicModel: 'e1000e', rng: false, balloon: false };
}
