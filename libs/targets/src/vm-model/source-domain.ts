import type { DiskBus, NicModel, VmRecord } from '@ledgerlift/contracts';
import { element, toXml } from '@ledgerlift/xml';
import type { z } from 'zod';
import { RecordMismatch } from '../errors.js';
import { cpuTopology } from './target-vm.js';

export interface DomainDiskFile {
  /** Absolute path. */
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
}

/**
 * Describes the source's guest on its new disk files, as input for `virt-v2v-in-place -i libvirtxml`. Lists all disks in boot order,
 * and the firmware, which decides what virt-v2v changes in the guest.
 *
 * @param disks one for each disk of the record, in the record's order (plain paths mean qcow2 overlays)
 * @throws RecordMismatch if their number differs from the record
 */
export function sourceDomainXml(record: VmRecord, disks: readonly (string | DomainDiskFile)[]): string {
  const { vm } = record.source;
  if (disks.length !== record.disks.length)
    throw new RecordMismatch(
      `${disks.length} disk files for "${record.targetName}", but its record has ${record.disks.length} disks`,
    );
  const files = disks.map((disk) => (typeof disk === 'string' ? { path: disk, format: 'qcow2' } : disk));
  const { sockets, cores, threads } = cpuTopology(vm.cpu);
  const devices = [
    ...files.map(({ path, format }, index) => {
      const diskId = record.disks[index]?.diskId;
      const bus = vm.disks.find((disk) => disk.id === diskId)?.bus ?? 'unknown';
      return element('disk', { type: 'file', device: 'disk' }, [
        element('driver', { name: 'qemu', type: format }),
        element('source', { file: path }),
        element('target', { dev: deviceName(index), bus: libvirtBus[bus] }),
        element('boot', { order: String(index + 1) }),
      ]);
    }),
    ...vm.nics.map((nic) =>
      element('interface', { type: 'network' }, [
        ...(nic.mac === undefined ? [] : [element('mac', { address: nic.mac })]),
        element('source', { network: nic.network === '' ? 'default' : nic.network }),
        element('model', { type: libvirtNic[nic.model] }),
      ]),
    ),
  ];
  return toXml(
    element('domain', { type: 'kvm' }, [
      element('name', {}, record.targetName),
      // virt-v2v ignores the unit and reads the number as KiB (seen with 2.2.0).
      element('memory', { unit: 'KiB' }, String(Math.ceil(vm.memory.bytes / 1024))),
      element('vcpu', {}, String(sockets * cores * threads)),
      element('cpu', {}, [
        element('topology', { sockets: String(sockets), cores: String(cores), threads: String(threads) }),
      ]),
      element('os', { firmware: vm.firmware }, [element('type', { arch: 'x86_64', machine: 'q35' }, 'hvm')]),
      element('features', {}, [element('acpi'), element('apic')]),
      element('devices', {}, devices),
    ]),
  );
}

/** Returns `sda`, …, `sdz`, `sdaa`, … as Linux counts. */
export function deviceName(index: number, prefix: 'sd' | 'vd' = 'sd'): string {
  let letters = '';
  for (let rest = index; rest >= 0; rest = Math.floor(rest / 26) - 1)
    letters = String.fromCharCode(97 + (rest % 26)) + letters;
  return prefix + letters;
}

const libvirtBus: Readonly<Record<z.infer<typeof DiskBus>, string>> = {
  scsi: 'scsi',
  sata: 'sata',
  ide: 'ide',
  // libvirt has no NVMe bus for a file. The bus is only informative: virt-v2v boots nothing from it.
  nvme: 'scsi',
  virtio: 'virtio',
  unknown: 'scsi',
};

const libvirtNic: Readonly<Record<z.infer<typeof NicModel>, string>> = {
  e1000: 'e1000',
  e1000e: 'e1000e',
  vmxnet3: 'vmxnet3',
  virtio: 'virtio',
  pcnet32: 'pcnet',
  rtl8139: 'rtl8139',
  unknown: 'e1000',
};
