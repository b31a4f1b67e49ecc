import type { DiskBacking, SourceDisk, SourceNic } from '@ledgerlift/contracts';
import type { ObjectRef, VimNode } from '../soap/xml.js';
import { type Surroundings, unescaped } from './surroundings.js';

type Bus = SourceDisk['bus'];

/** Controllers in the order in which libvirt and virt-v2v count their disks (libvirt, src/vmx/vmx.c). */
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

/**
 * @param bootOrder device keys of the disks that the firmware tries first, if set
 * @param around names datastores; without it, their names are taken from the files
 */
export function disksOf(
  vmId: string,
  devices: readonly VimNode[],
  bootOrder: readonly string[],
  around?: Surroundings,
): SourceDisk[] {
  const controllers = controllersOf(devices);
  const disks = devices
    .filter(({ kind }) => kind === 'VirtualDisk')
    .map((device) => diskOf(vmId, device, controllers, around));
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
  around: Surroundings | undefined,
): { readonly disk: SourceDisk; readonly order: number } {
  const id = device.textAt('key') ?? '';
  const controller = controllers.get(device.textAt('controllerKey') ?? '');
  const file = device.textAt('backing.fileName') ?? '';
  const datastore = device.refAt('backing.datastore');
  const sharing = device.textAt('backing.sharing') ?? 'sharingNone';
  const disk: SourceDisk = {
    id,
    name: device.textAt('deviceInfo.label') ?? `disk ${id}`,
    capacityBytes: device.numberAt('capacityInBytes') ?? (device.numberAt('capacityInKB') ?? 0) * 1024,
    storage: around?.nameOf(datastore) ?? unescaped(placeOf(file).datastore),
    ...(datastore === undefined ? {} : { storageId: datastore.id }),
    ...serialOf(device),
    ...sectorsOf(device),
    bus: controller?.bus ?? 'unknown',
    controller: controller?.number ?? 0,
    unit: Math.max(0, device.numberAt('unitNumber') ?? 0),
    shared: sharing !== 'sharingNone' || controller?.isShared === true,
    backing: backingOf(vmId, device, file),
  };
  return { disk, order: controller?.order ?? CONTROLLERS.length };
}

/** vSphere 9.0 and later: VirtualDisk.virtualDiskFormat; every other format has logical sectors of 512 bytes. */
const sectorsOf = (device: VimNode): { readonly sectorBytes?: number } =>
  device.textAt('virtualDiskFormat') === 'native_4k' ? { sectorBytes: 4096 } : {};

/** The serial number that a guest may see (`disk.EnableUUID`) is the disk's UUID. */
function serialOf(device: VimNode): { readonly serial?: string } {
  const uuid = device.at('backing')?.textAt('uuid')?.replaceAll('-', '').toLowerCase() ?? '';
  return uuid === '' ? {} : { serial: uuid };
}

/** `[ds] web/web.vmdk`: a datastore's name may have brackets of its own, as in `[san [old]] web/web.vmdk`. */
export function placeOf(file: string): { readonly datastore: string; readonly path: string } {
  const [, datastore = '', path = ''] = /^\[(.*?)\](?: (.*))?$/.exec(file) ?? [];
  return { datastore, path };
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
        ...networkOf(device, around),
        ...(mac === undefined ? {} : { mac: mac.toLowerCase() }),
        model,
        kind: device.kind === 'VirtualSriovEthernetCard' ? ('sriov' as const) : ('ethernet' as const),
      },
    ];
  });
}

/**
 * Returns the network's id and current name; the name on the device may predate a rename. A name alone is ambiguous, because NSX
 * and several datacenters may have networks of the same name.
 */
function networkOf(device: VimNode, around: Surroundings): Pick<SourceNic, 'network' | 'networkId'> {
  const of = (ref: ObjectRef | undefined, otherwise: string): Pick<SourceNic, 'network' | 'networkId'> => ({
    network: around.nameOf(ref) ?? unescaped(otherwise),
    ...(ref === undefined ? {} : { networkId: ref.id }),
  });
  const portgroup = device.textAt('backing.port.portgroupKey');
  if (portgroup !== undefined) return of(around.portgroup(portgroup), portgroup);
  const opaque = device.textAt('backing.opaqueNetworkId');
  if (opaque !== undefined) return of(around.opaqueNetwork(opaque), opaque);
  return of(device.refAt('backing.network'), device.textAt('backing.deviceName') ?? '');
}
