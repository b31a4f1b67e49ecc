import type { DiskBacking, SourceDisk, SourceNic } from '@ledgerlift/contracts';
import type { VimNode } from '../soap/node.js';
import type { Surroundings } from './surroundings.js';

type Bus = SourceDisk['bus'];

/** Controllers in the order in which their disks are counted by libvirt and virt-v2v (libvirt, src/vmx/vmx.c). */
const CONTROLLERS: readonly (readonly [kind: RegExp, bus: Bus])[] = [
  [/^(ParaVirtualSCSI|VirtualLsiLogic|VirtualLsiLogicSAS|VirtualBusLogic|VirtualSCSI)Controller$/, 'scsi'],
  [/^Virtual(AHCI|SATA)Controller$/, 'sata'],
  [/^VirtualIDEController$/, 'ide'],
  [/^VirtualNVMEController$/, 'nvme'],
];
const FORMATS: Readonly<Record<string, 'flat' | 'sesparse' | 'sparse'>> = {
  VirtualDiskFlatVer2BackingInfo: 'flat',
  VirtualDiskFlatVer1BackingInfo: 'flat',
  VirtualDiskSeSparseBackingInfo: 'sesparse',
  VirtualDiskSparseVer2BackingInfo: 'sparse',
  VirtualDiskSparseVer1BackingInfo: 'sparse',
};
const MODELS: Readonly<Record<string, SourceNic['model']>> = {
  VirtualE1000: 'e1000',
  VirtualE1000e: 'e1000e',
  VirtualVmxnet3: 'vmxnet3',
  VirtualVmxnet3Vrdma: 'vmxnet3',
  VirtualPCNet32: 'pcnet32',
  VirtualVmxnet: 'unknown',
  VirtualVmxnet2: 'unknown',
  VirtualSriovEthernetCard: 'unknown',
};

interface Controller {
  readonly order: number;
  readonly bus: Bus;
  readonly number: number;
  readonly isShared: boolean;
}

/** @param bootOrder device keys, where the firmware was told which disks to try first */
export function disksOf(
  vmId: string,
  devices: readonly VimNode[],
  bootOrder: readonly string[],
): SourceDisk[] {
  const controllers = controllersOf(devices);
  const disks = devices
    .filter(({ kind }) => kind === 'VirtualDisk')
    .map((device) => diskOf(vmId, device, controllers));
  const bootRank = (id: string): number =>
    bootOrder.includes(id) ? bootOrder.indexOf(id) : bootOrder.length;
  return disks
    .toSorted(
      (a, b) =>
        bootRank(a.disk.id) - bootRank(b.disk.id) ||
        a.order - b.order ||
        a.disk.controller - b.disk.controller ||
        a.disk.unit - b.disk.unit,
    )
    .map(({ disk }) => disk);
}

function controllersOf(devices: readonly VimNode[]): ReadonlyMap<string, Controller> {
  const found = devices.flatMap((device) => {
    const order = CONTROLLERS.findIndex(([kind]) => kind.test(device.kind));
    const bus = CONTROLLERS[order]?.[1];
    if (bus === undefined) return [];
    const sharing = device.textAt('sharedBus') ?? 'noSharing';
    const number = device.numberAt('busNumber') ?? 0;
    return [[device.textAt('key') ?? '', { order, bus, number, isShared: sharing !== 'noSharing' }] as const];
  });
  return new Map(found);
}

function diskOf(
  vmId: string,
  device: VimNode,
  controllers: ReadonlyMap<string, Controller>,
): { readonly disk: SourceDisk; readonly order: number } {
  const id = device.textAt('key') ?? '';
  const controller = controllers.get(device.textAt('controllerKey') ?? '');
  const file = device.textAt('backing.fileName') ?? '';
  const sharing = device.textAt('backing.sharing') ?? 'sharingNone';
  const disk: SourceDisk = {
    id,
    name: device.textAt('deviceInfo.label') ?? `disk ${id}`,
    capacityBytes: device.numberAt('capacityInBytes') ?? (device.numberAt('capacityInKB') ?? 0) * 1024,
    storage: /^\[([^\]]*)\]/.exec(file)?.[1] ?? '',
    bus: controller?.bus ?? 'unknown',
    controller: controller?.number ?? 0,
    unit: Math.max(0, device.numberAt('unitNumber') ?? 0),
    shared: sharing !== 'sharingNone' || controller?.isShared === true,
    backing: backingOf(vmId, device, file),
  };
  return { disk, order: controller?.order ?? CONTROLLERS.length };
}

function backingOf(vmId: string, device: VimNode, file: string): DiskBacking {
  const backing = device.at('backing');
  const mode = backing?.textAt('diskMode');
  const isKnown =
    mode === 'persistent' || mode === 'independent_persistent' || mode === 'independent_nonpersistent';
  return {
    kind: 'vsphere',
    vmId,
    key: device.numberAt('key') ?? 0,
    uuid: backing?.textAt('uuid') ?? '',
    file,
    datastore: backing?.textAt('datastore') ?? '',
    format: formatOf(backing),
    mode: isKnown ? mode : 'other',
    hasParent: backing?.at('parent') !== undefined,
  };
}

function formatOf(backing: VimNode | undefined): Extract<DiskBacking, { kind: 'vsphere' }>['format'] {
  if (backing?.kind === 'VirtualDiskRawDiskMappingVer1BackingInfo')
    return backing.textAt('compatibilityMode') === 'physicalMode' ? 'rdm-physical' : 'rdm-virtual';
  return FORMATS[backing?.kind ?? ''] ?? 'other';
}

export function nicsOf(devices: readonly VimNode[], around: Surroundings): SourceNic[] {
  return devices.flatMap((device) => {
    const model = MODELS[device.kind];
    if (model === undefined) return [];
    const mac = device.textAt('macAddress');
    return [
      {
        id: device.textAt('key') ?? '',
        name: device.textAt('deviceInfo.label') ?? 'network adapter',
        network: networkOf(device, around),
        ...(mac === undefined ? {} : { mac: mac.toLowerCase() }),
        model,
        kind: device.kind === 'VirtualSriovEthernetCard' ? ('sriov' as const) : ('ethernet' as const),
      },
    ];
  });
}

/** By the name that a network mapping has for it. A name on the device may be of before the network was renamed. */
function networkOf(device: VimNode, around: Surroundings): string {
  const portgroup = device.textAt('backing.port.portgroupKey');
  if (portgroup !== undefined) return around.portgroup(portgroup) ?? portgroup;
  const opaque = device.textAt('backing.opaqueNetworkId');
  if (opaque !== undefined) return around.opaqueNetwork(opaque) ?? opaque;
  return around.nameOf(device.refAt('backing.network')) ?? device.textAt('backing.deviceName') ?? '';
}
