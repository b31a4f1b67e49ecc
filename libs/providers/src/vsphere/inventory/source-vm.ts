import { createHash } from 'node:crypto';
import type { Concern, PowerState, SourceGuest, SourceVm } from '@ledgerlift/contracts';
import type { VimObject } from '../soap/properties.js';
import type { VimNode } from '../soap/xml.js';
import { disksOf, nicsOf } from './devices.js';
import { type Surroundings, unescaped } from './surroundings.js';

/** Raises concerns about a VM from vSphere's own properties. */
export type Judge = (raw: VimObject, vm: Omit<SourceVm, 'concerns'>, around: Surroundings) => Concern[];

const POWER: Readonly<Record<string, PowerState>> = {
  poweredOn: 'on',
  poweredOff: 'off',
  suspended: 'suspended',
};
const MIB = 1024 * 1024;

/**
 * Converts a vSphere VM to the model that all providers share.
 *
 * @returns undefined if vCenter knows only its name, because it is orphaned or its host is away
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
 * Derives the serial number that ESXi shows to the guest: a VM whose `config.uuid` is 423efd65-a73d-e159-a56d-dd25289f8b0c reports
 * `VMware-42 3e fd 65 a7 3d e1 59-a5 6d dd 25 28 9f 8b 0c` in `dmidecode -s system-serial-number` (kubev2v/forklift, PR 2188).
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
 * Covers everything that a migration relies on. Excludes what may change meanwhile: power, location, names, snapshots and their
 * files, and disk sizes, which every copy checks.
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

type Properties = ReadonlyMap<string, VimNode>;
type Address = SourceGuest['nics'][number]['addresses'][number];

/** Origins of an address as guests tell them (vim.net.IpConfigInfo.IpAddressOrigin). */
const ORIGINS: Readonly<Record<string, Address['origin']>> = {
  manual: 'static',
  dhcp: 'dhcp',
  linklayer: 'other',
  random: 'other',
  other: 'other',
};

/** Reads the guest's last report through VMware Tools. */
export function guestOf(properties: Properties): SourceGuest {
  const listed = properties.get('guest.net')?.parts ?? [];
  const nics = listed.flatMap((nic) => {
    const mac = macOf(nic);
    const dns = nic.list('dnsConfig.ipAddress').map(({ text }) => text);
    return mac === undefined ? [] : [{ mac, addresses: addressesOf(nic), dns }];
  });
  const hostName = properties.get('guest.hostName')?.text;
  return {
    tools: toolsOf(properties),
    ...(hostName === undefined || hostName === '' ? {} : { hostName }),
    nics,
    routes: routesOf(properties, listed),
  };
}

/** Undefined for an adapter that is not the VM's, such as a VPN's. */
function macOf(nic: VimNode): string | undefined {
  const mac = nic.textAt('macAddress');
  return mac === undefined || mac === '' ? undefined : mac.toLowerCase();
}

function toolsOf(properties: Properties): SourceGuest['tools'] {
  const version = properties.get('guest.toolsVersionStatus2')?.text;
  if (version === 'guestToolsNotInstalled') return 'not-installed';
  switch (properties.get('guest.toolsRunningStatus')?.text) {
    case 'guestToolsRunning':
    case 'guestToolsExecutingScripts':
      return 'running';
    case 'guestToolsNotRunning':
      return 'not-running';
    default:
      return 'unknown';
  }
}

function addressesOf(nic: VimNode): Address[] {
  return nic.list('ipConfig.ipAddress').flatMap((address) => {
    const [ip, prefix] = [address.textAt('ipAddress'), address.numberAt('prefixLength')];
    if (ip === undefined || prefix === undefined || prefix < 0 || prefix > 128) return [];
    const origin = ORIGINS[address.textAt('origin') ?? ''];
    return [{ ip, prefix, ...(origin === undefined ? {} : { origin }) }];
  });
}

/**
 * @param listed `guest.net` in vSphere's order: a route names its adapter by the index in that list
 * (vim.net.IpRouteConfigInfo.Gateway.device), which also counts adapters without a MAC address
 */
function routesOf(properties: Properties, listed: readonly VimNode[]): SourceGuest['routes'] {
  const stacks = properties.get('guest.ipStack')?.parts ?? [];
  return stacks
    .flatMap((stack) => stack.list('ipRouteConfig.ipRoute'))
    .flatMap((route) => {
      const [network, prefix] = [route.textAt('network'), route.numberAt('prefixLength')];
      if (network === undefined || prefix === undefined || prefix < 0 || prefix > 128) return [];
      const gateway = route.textAt('gateway.ipAddress');
      const adapter = listed[route.numberAt('gateway.device') ?? -1];
      const mac = adapter && macOf(adapter);
      // The target does not have this adapter, and without a MAC address the route would go to any NIC that fits.
      if (adapter !== undefined && mac === undefined) return [];
      const through = gateway === undefined || gateway === '' ? {} : { gateway };
      return [{ network, prefix, ...through, ...(mac === undefined ? {} : { mac }) }];
    });
}
