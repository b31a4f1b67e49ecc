import { createHash } from 'node:crypto';
import type { Concern, PowerState, SourceVm } from '@ledgerlift/contracts';
import type { VimNode } from '../soap/node.js';
import type { VimObject } from '../soap/properties.js';
import { disksOf, nicsOf } from './devices.js';
import { guestOf } from './guest.js';
import { type Surroundings, unescaped } from './surroundings.js';

/** Judges a VM by what vSphere says of it beyond what every provider has in common. */
export type Judge = (raw: VimObject, vm: Omit<SourceVm, 'concerns'>, around: Surroundings) => Concern[];

const POWER: Readonly<Record<string, PowerState>> = {
  poweredOn: 'on',
  poweredOff: 'off',
  suspended: 'suspended',
};
const MIB = 1024 * 1024;

/**
 * A VM of vSphere, in the terms shared by every provider.
 *
 * @returns undefined where vCenter itself knows nothing of it but its name: it is orphaned, or its host is away
 */
export function sourceVm(raw: VimObject, around: Surroundings, judge: Judge): SourceVm | undefined {
  const { ref, properties } = raw;
  const text = (path: string): string | undefined => properties.get(path)?.text;
  const number = (path: string): number => Number(text(path) ?? 0);
  const flag = (path: string): boolean => text(path) === 'true';
  const devices = properties.get('config.hardware.device')?.parts;
  if (devices === undefined) return undefined;
  const parent = properties.get('parent')?.ref ?? properties.get('parentVApp')?.ref;
  const folder = around.folderPath(parent);
  const name = unescaped(text('name') ?? ref.id);
  const host = properties.get('runtime.host')?.ref;
  const datacenter = around.above(parent, 'Datacenter');
  const cluster = around.above(host, 'ClusterComputeResource');
  const uuid = text('config.uuid');
  const boot = properties.get('config.bootOptions');
  const bootOrder = (boot?.list('bootOrder') ?? []).flatMap((each) => each.textAt('deviceKey') ?? []);
  const hardware = {
    cpu: {
      count: number('config.hardware.numCPU'),
      coresPerSocket: Math.max(1, number('config.hardware.numCoresPerSocket')),
      affinity: (properties.get('config.cpuAffinity')?.list('affinitySet') ?? []).map((cpu) =>
        Number(cpu.text),
      ),
      hotAdd: flag('config.cpuHotAddEnabled'),
      ...(flag('config.nestedHVEnabled') ? { nested: true } : {}),
    },
    memory: { bytes: number('config.hardware.memoryMB') * MIB, hotAdd: flag('config.memoryHotAddEnabled') },
    firmware: text('config.firmware') === 'efi' ? ('efi' as const) : ('bios' as const),
    secureBoot: boot?.flagAt('efiSecureBootEnabled') === true,
    tpm: devices.some(({ kind }) => kind === 'VirtualTPM'),
    disks: disksOf(ref.id, devices, bootOrder, around),
    nics: nicsOf(devices, around),
  };
  const vm: Omit<SourceVm, 'concerns'> = {
    id: ref.id,
    name,
    path: `${folder === '/' ? '' : folder}/${name}`,
    powerState: POWER[text('runtime.powerState') ?? ''] ?? 'unknown',
    ...optional('host', around.nameOf(host)),
    ...optional('hostId', host?.id),
    ...optional('clusterId', cluster?.id),
    ...optional('datacenterId', datacenter?.id),
    folder,
    folderIds: [...around.folderIds(parent)],
    attributes: attributesOf(properties, around),
    ...optional('uuid', uuid),
    ...optional('serial', serialOf(uuid)),
    ...optional('datacenter', around.nameOf(datacenter)),
    ...optional('cluster', around.nameOf(cluster)),
    guest: guestOf(properties),
    changeTracking: flag('config.changeTrackingEnabled') ? 'on' : 'off',
    snapshots: snapshotNames(properties.get('snapshot')?.list('rootSnapshotList') ?? []),
    ...hardware,
    os: osOf(
      text('config.guestId') ?? '',
      text('config.guestFullName') ?? '',
      text('guest.guestFamily') ?? '',
    ),
    exportedBy: 'vsphere',
    fingerprint: fingerprintOf(text('config.instanceUuid') ?? uuid ?? ref.id, hardware),
  };
  return { ...vm, concerns: judge(raw, vm, around) };
}

/**
 * What ESXi tells a guest as its serial number: a VM whose `config.uuid` is 423efd65-a73d-e159-a56d-dd25289f8b0c says `VMware-42 3e fd
 * 65 a7 3d e1 59-a5 6d dd 25 28 9f 8b 0c` by `dmidecode -s system-serial-number` (kubev2v/forklift, PR 2188).
 */
function serialOf(uuid: string | undefined): string | undefined {
  const bytes = uuid?.replaceAll('-', '').match(/[0-9a-f]{2}/gi) ?? [];
  if (bytes.length !== 16) return undefined;
  const [first, second] = [bytes.slice(0, 8), bytes.slice(8)].map((half) => half.join(' ').toLowerCase());
  return `VMware-${first}-${second}`;
}

function optional<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, string>);
}

function attributesOf(
  properties: ReadonlyMap<string, VimNode>,
  around: Surroundings,
): Record<string, string> {
  const values = properties.get('customValue')?.parts ?? [];
  const pairs = values.flatMap((held) => {
    const name = around.attributes.get(held.numberAt('key') ?? -1);
    return name === undefined ? [] : [[name, held.textAt('value') ?? ''] as const];
  });
  return Object.fromEntries(pairs);
}

const snapshotNames = (nodes: readonly VimNode[]): string[] =>
  nodes.flatMap((node) => [
    unescaped(node.textAt('name') ?? ''),
    ...snapshotNames(node.list('childSnapshotList')),
  ]);

const LINUX =
  /linux|rhel|redhat|centos|debian|ubuntu|sles|suse|oracle|fedora|coreos|rocky|alma|amazon|asianux|photon|mandr|turbo|vmkernel|crx/i;

/** @param guestId such as `rhel9_64Guest` (vim.vm.GuestOsDescriptor.GuestOsIdentifier) */
function osOf(guestId: string, description: string, family: string): SourceVm['os'] {
  const of = (): SourceVm['os']['family'] => {
    if (/^win/i.test(guestId) || family === 'windowsGuest') return 'windows';
    if (LINUX.test(guestId) || family === 'linuxGuest') return 'linux';
    return guestId === '' ? 'unknown' : 'other';
  };
  return { id: guestId, description, family: of() };
}

/**
 * Of what a migration relies on. Not of what it may meet on its way: power, place, names, snapshots and the files that
 * these add, and the size of a disk, which is looked at with every pass.
 */
function fingerprintOf(
  id: string,
  hardware: Pick<SourceVm, 'cpu' | 'memory' | 'firmware' | 'disks' | 'nics'>,
): string {
  const disks = hardware.disks.map(({ id: key, bus, controller, unit, backing }) => {
    const uuid = backing.kind === 'vsphere' ? [backing.uuid, backing.mode, backing.format] : [];
    return [key, bus, controller, unit, ...uuid];
  });
  const nics = hardware.nics.map(({ id: key, mac, model }) => [key, mac, model]);
  const what = [id, hardware.cpu.count, hardware.memory.bytes, hardware.firmware, disks, nics];
  return createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 16);
}
