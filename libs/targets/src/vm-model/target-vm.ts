import type {
  GuestCapabilities,
  Inspection,
  MachineSettings,
  SourceVm,
  TargetNic,
  VmRecord,
} from '@ledgerlift/contracts';
import type { z } from 'zod';
import { allocatedSize } from '../disk-size.js';
import { RecordMismatch } from '../errors.js';
import { networkName, volumeName } from '../name-templates.js';
import { type CpuTopology, cpuTopology } from './cpu.js';
import { devicesFor } from './devices.js';
import { type MachineIdentity, diskSerial, machineIdentity, nicAddress } from './identity.js';

export interface TargetVmDisk {
  /** `disk-0`, … in the record's order, unless the plan has a template. */
  readonly name: string;
  /** Path relative to the target's root. */
  readonly file: string;
  readonly format: 'raw' | 'qcow2';
  readonly bytes: number;
  readonly bus: 'virtio' | 'sata';
  /** From 1; the firmware tries them in this order. */
  readonly bootOrder: number;
  readonly serial: string;
  /** Of a logical sector. IDE and SATA have 512 alone (QEMU, hw/ide/ide-dev.c). */
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

/** What KubeVirt calls it: whether the machine runs. */
export type RunStrategy = 'Always' | 'Halted';

/** The one model of what the user gets; every manifest, domain and boot proof is made from it. */
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
  /** With an instance type it is only what the source has, as is `memoryBytes`. */
  readonly cpu: CpuTopology;
  /** Undefined: the target's own choice. */
  readonly cpuModel: string | undefined;
  /** Whether the guest may run VMs itself; undefined: as the CPU model has it. */
  readonly nestedVirtualization: boolean | undefined;
  readonly memoryBytes: number;
  readonly instanceType: MachineSettings['instanceType'];
  readonly preference: MachineSettings['preference'];
  readonly scheduling: Pick<MachineSettings, 'targetNodeSelector' | 'targetAffinity' | 'targetTolerations'>;
  readonly firmware: 'bios' | 'efi';
  readonly secureBoot: boolean;
  readonly tpm: boolean;
  /**
   * Whether the UEFI variables are kept when the VM stops. With a TPM they must be, for it seals BitLocker's key to them; the TPM's
   * state needs a claim anyway, which both share. Every other guest boots without, and needs no claim for them.
   */
  readonly keepsVariables: boolean;
  readonly disks: readonly TargetVmDisk[];
  readonly nics: readonly TargetVmNic[];
  readonly rng: boolean;
  readonly balloon: boolean;
  readonly runStrategy: RunStrategy;
}

/** What the steps so far found out. */
export interface TargetVmFindings {
  readonly inspection?: Inspection | undefined;
  /** None: the guest was not converted. */
  readonly capabilities?: GuestCapabilities | undefined;
  /** As it was when the migration began; else as in the inventory. */
  readonly sourcePowerState?: SourceVm['powerState'] | undefined;
  /** By id, as they were copied: a disk may have grown since it was recorded. */
  readonly diskSizes?: ReadonlyMap<string, number> | undefined;
}

/**
 * The target VM of a record. Pure.
 * @throws RecordMismatch where a disk or NIC of the record is none of the source's
 */
export function targetVm(record: VmRecord, findings: TargetVmFindings = {}): TargetVm {
  const { vm } = record.source;
  const machine = record.machine ?? {};
  const { inspection, capabilities } = findings;
  const devices = devicesFor(record.settings, capabilities);
  // What virt-v2v found in the guest is surer than what the source says of it.
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
    // A source that does not allow it may just not have been asked: only the plan forbids it.
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
      // The disk with the boot loader first, the others as they were.
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
