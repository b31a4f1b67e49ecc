import type { SourceDisk, SourceNic, SourceVm } from '@ledgerlift/contracts';
import { itemsIn, sectionOf } from './configurations.js';
import { BadOva } from './errors.js';
import { firmwareOf } from './firmware.js';
import { nicsOf } from './nics.js';
import { bytesOf, bytesPerUnit } from './units.js';
import { type XmlElement, childOf, textOf } from './xml.js';

/** CIM resource types (DSP0004, CIM_ResourceAllocationSettingData). */
const Type = {
  cpu: '3',
  memory: '4',
  ide: '5',
  scsi: '6',
  ethernet: '10',
  disk: '17',
  storageExtent: '19',
  otherStorage: '20',
  logicalDisk: '31',
} as const;

export interface HardwareDisk {
  /** The disk's id in the DiskSection. */
  readonly diskId: string;
  readonly name: string;
  readonly bus: SourceDisk['bus'];
  readonly controller: number;
  readonly unit: number;
  /** oVirt's number; the largest number if there is none. */
  readonly bootOrder: number;
}

export interface Hardware {
  readonly cpus: number;
  readonly coresPerSocket: number;
  readonly memoryBytes: number;
  readonly disks: readonly HardwareDisk[];
  readonly nics: readonly SourceNic[];
  readonly firmware: SourceVm['firmware'];
  readonly secureBoot: boolean;
  readonly tpm: boolean;
  readonly cpuHotAdd: boolean;
  readonly memoryHotAdd: boolean;
  readonly cpuAffinity: readonly number[];
}

/**
 * Reads the hardware of a virtual system.
 *
 * @param configuration the configuration to read; undefined if the package has none
 * @throws BadOva
 */
export function hardwareOf(system: XmlElement, configuration: string | undefined, field: string): Hardware {
  const section = sectionOf(system);
  if (section === undefined)
    throw new BadOva('badOvf', 'the virtual system has no VirtualHardwareSection', field);
  const children = itemsIn(section, configuration);
  const items = children.filter(({ name }) => ['Item', 'StorageItem', 'EthernetPortItem'].includes(name));
  const ofType = (type: string): readonly XmlElement[] =>
    items.filter((item) => textOf(item, 'ResourceType') === type);
  const config = configOf(children);
  return {
    ...processors(system, onlyOne(ofType(Type.cpu)), `${field}.cpu`),
    memoryBytes: memory(onlyOne(ofType(Type.memory)), `${field}.memory`),
    disks: disksOf(items, field),
    nics: nicsOf(ofType(Type.ethernet), system),
    ...firmwareOf(system, children, config),
    cpuHotAdd: config.get('cpuHotAddEnabled') === 'true',
    memoryHotAdd: config.get('memoryHotAddEnabled') === 'true',
    cpuAffinity: affinity(config.get('sched.cpu.affinity') ?? '', `${field}.sched.cpu.affinity`),
  };
}

/** Chooses one of several items. One for the configuration takes precedence over one for all. */
const onlyOne = (items: readonly XmlElement[]): XmlElement | undefined =>
  items.find(({ attributes }) => (attributes.get('configuration') ?? '').trim() !== '') ?? items[0];

/** Reads VMware's extensions of the standard: Config and ExtraConfig, by key. */
function configOf(children: readonly XmlElement[]): ReadonlyMap<string, string> {
  const pairs = children
    .filter(({ name }) => name === 'Config' || name === 'ExtraConfig')
    .map(
      ({ attributes }) =>
        [attributes.get('key') ?? '', (attributes.get('value') ?? '').toLowerCase()] as const,
    );
  return new Map(pairs);
}

/** Reads the CPU topology, which VMware, oVirt and VirtualBox each write in their own way, because the standard lacks it. */
function processors(
  system: XmlElement,
  item: XmlElement | undefined,
  field: string,
): { readonly cpus: number; readonly coresPerSocket: number } {
  const count = (name: string): number | undefined => {
    const value = Number(textOf(item, name));
    return Number.isInteger(value) && value > 0 && value <= MOST_CPUS ? value : undefined;
  };
  // oVirt: all virtual CPUs are sockets times cores times threads.
  const perSocket = (count('cpu_per_socket') ?? 1) * (count('threads_per_cpu') ?? 1);
  const cpus = quantity(item, (count('num_of_sockets') ?? 1) * perSocket, field);
  const vmware = count('CoresPerSocket');
  // VirtualBox shows its guests one socket with all cores.
  const isVirtualBox = childOf(childOf(childOf(system, 'Machine'), 'Hardware'), 'CPU') !== undefined;
  return { cpus, coresPerSocket: vmware ?? (isVirtualBox ? cpus : perSocket) };
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
  // Without a unit, exporters mean MiB. An empty unit is the standard's default, bytes.
  const unit =
    childOf(item, 'AllocationUnits') === undefined ? 'byte * 2^20' : textOf(item, 'AllocationUnits');
  const value = bytesOf(text || '0', bytesPerUnit(unit, `${field}.AllocationUnits`));
  if (value === undefined || value < 0)
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
  const disks = items.filter(isDisk).map((item, index): HardwareDisk => {
    const host = textOf(item, 'HostResource');
    const diskId = diskNamedBy(item);
    if (diskId === undefined)
      throw new BadOva(
        'badOvf',
        `a disk drive names '${host.slice(0, 100)}', not ovf:/disk/ID`,
        `${field}.HostResource`,
      );
    const controller = controllers.get(textOf(item, 'Parent'));
    return {
      diskId,
      name: textOf(item, 'ElementName') || textOf(item, 'Caption') || `disk ${index}`,
      bus: controller?.bus ?? 'unknown',
      controller: controller?.index ?? 0,
      unit: wholeOr(textOf(item, 'AddressOnParent'), 0),
      bootOrder: wholeOr(textOf(item, 'BootOrder'), 0) || Number.MAX_SAFE_INTEGER,
    };
  });
  // The firmware tries disks by oVirt's numbers first, then by controller, then by their address on it.
  return disks.toSorted(
    (a, b) => a.bootOrder - b.bootOrder || a.controller - b.controller || a.unit - b.unit,
  );
}

const wholeOr = (text: string, otherwise: number): number =>
  /^\d{1,9}$/.test(text) ? Number(text) : otherwise;

/** XenCenter writes disks as storage extents. A CD drive may refer to a disk, but is not one. */
const isDisk = (item: XmlElement): boolean => {
  const type = textOf(item, 'ResourceType');
  if (type === Type.disk) return true;
  return (type === Type.storageExtent || type === Type.logicalDisk) && diskNamedBy(item) !== undefined;
};

/** @returns the id in the DiskSection; undefined if the item names no disk */
export const diskNamedBy = (item: XmlElement): string | undefined =>
  /^(?:ovf:)?\/{1,2}disk\/(.+)$/.exec(textOf(item, 'HostResource'))?.[1];

function busOf(type: string, subtype: string): HardwareDisk['bus'] | undefined {
  if (type === Type.ide) return 'ide';
  if (type === Type.scsi) return 'scsi';
  if (type !== Type.otherStorage) return undefined;
  return /nvme/i.test(subtype) ? 'nvme' : 'sata';
}

const LONGEST_AFFINITY = 64 * 1024;
/** No host that VMware supports has as many CPUs. */
const MOST_CPUS = 4096;

/** Parses `0,2-3` to 0, 2, 3; each once, in order. Merges overlapping ranges before expanding them, to bound the work. @throws BadOva */
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
