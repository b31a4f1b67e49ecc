import type { SourceNic } from '@ledgerlift/contracts';
import { BadOva } from './errors.js';
import { bytesPerUnit } from './units.js';
import { type XmlElement, childOf, childrenOf, textOf } from './xml.js';

/** CIM resource types (DSP0004, CIM_ResourceAllocationSettingData). */
const Type = {
  cpu: '3',
  memory: '4',
  ide: '5',
  scsi: '6',
  ethernet: '10',
  disk: '17',
  otherStorage: '20',
} as const;

export interface HardwareDisk {
  /** The disk's id in the DiskSection. */
  readonly diskId: string;
  readonly name: string;
  readonly bus: 'scsi' | 'sata' | 'ide' | 'nvme' | 'unknown';
  readonly controller: number;
  readonly unit: number;
}

export interface Hardware {
  readonly cpus: number;
  readonly coresPerSocket: number;
  readonly memoryBytes: number;
  readonly disks: readonly HardwareDisk[];
  readonly nics: readonly SourceNic[];
  readonly firmware: 'bios' | 'efi';
  readonly secureBoot: boolean;
  readonly tpm: boolean;
  readonly cpuHotAdd: boolean;
  readonly memoryHotAdd: boolean;
  readonly cpuAffinity: readonly number[];
}

/** @throws BadOva */
export function hardwareOf(system: XmlElement, field: string): Hardware {
  const section = childOf(system, 'VirtualHardwareSection');
  if (section === undefined)
    throw new BadOva('badOvf', 'the virtual system has no VirtualHardwareSection', field);
  const items = section.children.filter(({ name }) =>
    ['Item', 'StorageItem', 'EthernetPortItem'].includes(name),
  );
  const ofType = (type: string): readonly XmlElement[] =>
    items.filter((item) => textOf(item, 'ResourceType') === type);
  const cpu = ofType(Type.cpu)[0];
  const config = configOf(section);
  return {
    cpus: quantity(cpu, 1, `${field}.cpu`),
    coresPerSocket: Math.max(1, Number(textOf(cpu, 'CoresPerSocket')) || 1),
    memoryBytes: memory(ofType(Type.memory)[0], `${field}.memory`),
    disks: disksOf(items, field),
    nics: ofType(Type.ethernet).map((item, index) => nicOf(item, index)),
    firmware: config.get('firmware') === 'efi' || isVboxEfi(system) ? 'efi' : 'bios',
    secureBoot: config.get('bootOptions.efiSecureBootEnabled') === 'true',
    tpm: items.some((item) => /vmware\.vtpm/i.test(textOf(item, 'ResourceSubType'))),
    cpuHotAdd: config.get('cpuHotAddEnabled') === 'true',
    memoryHotAdd: config.get('memoryHotAddEnabled') === 'true',
    cpuAffinity: affinity(config.get('sched.cpu.affinity') ?? '', `${field}.sched.cpu.affinity`),
  };
}

/** VMware's settings beside the standard: Config and ExtraConfig, by key. */
function configOf(section: XmlElement): ReadonlyMap<string, string> {
  const pairs = [...childrenOf(section, 'Config'), ...childrenOf(section, 'ExtraConfig')].map(
    ({ attributes }) => [attributes.get('key') ?? '', (attributes.get('value') ?? '').toLowerCase()] as const,
  );
  return new Map(pairs);
}

/** VirtualBox keeps its own machine description, with the firmware in it. */
function isVboxEfi(system: XmlElement): boolean {
  const firmware = childOf(childOf(childOf(system, 'Machine'), 'Hardware'), 'Firmware');
  return (firmware?.attributes.get('type') ?? '').toUpperCase().startsWith('EFI');
}

function quantity(item: XmlElement | undefined, otherwise: number, field: string): number {
  const text = textOf(item, 'VirtualQuantity');
  if (text === '') return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1_000_000)
    throw new BadOva('badOvf', `'${text.slice(0, 50)}' is no count`, field);
  return value;
}

function memory(item: XmlElement | undefined, field: string): number {
  const text = textOf(item, 'VirtualQuantity');
  const value =
    Number(text || '0') *
    bytesPerUnit(textOf(item, 'AllocationUnits') || 'byte * 2^20', `${field}.AllocationUnits`);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new BadOva('badOvf', `'${text.slice(0, 50)}' is no amount of memory`, field);
  return value;
}

function disksOf(items: readonly XmlElement[], field: string): readonly HardwareDisk[] {
  const controllers = new Map(
    items
      .flatMap((item) => {
        const bus = busOf(textOf(item, 'ResourceType'), textOf(item, 'ResourceSubType'));
        return bus === undefined ? [] : [[textOf(item, 'InstanceID'), bus] as const];
      })
      .map(([id, bus], index) => [id, { bus, index }] as const),
  );
  const disks = items
    .filter((item) => textOf(item, 'ResourceType') === Type.disk)
    .map((item, index): HardwareDisk => {
      const host = textOf(item, 'HostResource');
      const diskId = /^(?:ovf:)?\/disk\/(.+)$/.exec(host)?.[1];
      if (diskId === undefined)
        throw new BadOva(
          'badOvf',
          `a disk drive names '${host.slice(0, 100)}', not ovf:/disk/ID`,
          `${field}.HostResource`,
        );
      const controller = controllers.get(textOf(item, 'Parent'));
      return {
        diskId,
        name: textOf(item, 'ElementName') || `disk ${index}`,
        bus: controller?.bus ?? 'unknown',
        controller: controller?.index ?? 0,
        unit: Math.max(0, Number(textOf(item, 'AddressOnParent')) || 0),
      };
    });
  // The firmware tries controllers in their order, and the disks of each by their address.
  return disks.toSorted((a, b) => a.controller - b.controller || a.unit - b.unit);
}

function busOf(type: string, subtype: string): HardwareDisk['bus'] | undefined {
  if (type === Type.ide) return 'ide';
  if (type === Type.scsi) return 'scsi';
  if (type !== Type.otherStorage) return undefined;
  return /nvme/i.test(subtype) ? 'nvme' : 'sata';
}

const models: readonly (readonly [RegExp, SourceNic['model']])[] = [
  [/vmxnet3?/i, 'vmxnet3'],
  [/e1000e/i, 'e1000e'],
  [/e1000|82540|82545|82543/i, 'e1000'],
  [/virtio/i, 'virtio'],
  [/pcnet/i, 'pcnet32'],
  [/rtl8139/i, 'rtl8139'],
];

function nicOf(item: XmlElement, index: number): SourceNic {
  const subtype = textOf(item, 'ResourceSubType');
  const mac = textOf(item, 'Address').toLowerCase();
  return {
    id: `nic-${index}`,
    name: textOf(item, 'ElementName') || `nic ${index}`,
    network: textOf(item, 'Connection'),
    ...(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) ? { mac } : {}),
    model: models.find(([pattern]) => pattern.test(subtype))?.[1] ?? 'unknown',
    kind: /sriov/i.test(subtype) ? 'sriov' : 'ethernet',
  };
}

const LONGEST_AFFINITY = 64 * 1024;
/** No host that VMware supports has as many CPUs. */
const MOST_CPUS = 4096;

/** `0,2-3` → 0, 2, 3; each once, in order. Overlapping ranges are joined before any is counted out. @throws BadOva */
function affinity(text: string, field: string): readonly number[] {
  if (text.length > LONGEST_AFFINITY)
    throw new BadOva('badOvf', `a CPU affinity of ${text.length} characters`, field);
  const ranges = text
    .split(',')
    .flatMap((part) => {
      const range = /^\s*(\d{1,4})(?:-(\d{1,4}))?\s*$/.exec(part);
      return range === null ? [] : [[Number(range[1]), Number(range[2] ?? range[1])] as const];
    })
    .toSorted(([a], [b]) => a - b);
  const cpus: number[] = [];
  let next = 0;
  for (const [from, to] of ranges) {
    for (let cpu = Math.max(from, next); cpu <= to; cpu += 1) cpus.push(cpu);
    next = Math.max(next, to + 1);
    if (cpus.length > MOST_CPUS)
      throw new BadOva('badOvf', `a CPU affinity of more than ${MOST_CPUS} CPUs`, field);
  }
  return cpus;
}
