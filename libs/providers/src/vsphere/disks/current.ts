import type { PowerState, Snapshot, SourceDisk, SourceVm } from '@ledgerlift/contracts';
import { disksOf } from '../inventory/devices.js';
import { VsphereSnapshotLost, VsphereVmUnreadable } from '../errors.js';
import type { VsphereSession } from '../session.js';
import { presentSnapshot } from '../snapshots.js';
import type { ObjectRef, VimNode } from '../soap/xml.js';
import { propertiesOf } from '../soap/properties.js';
import { configuredProperties, isFault } from '../vm.js';
import { VsphereDiskGone } from './errors.js';

/** The facts about a VM that are read again for each access to its disks, because VMs move between hosts and datastores. */
export interface VmNow {
  readonly powerState: PowerState;
  /** Names. */
  readonly snapshots: string[];
  readonly host: ObjectRef | undefined;
  /** Also identifies it on a host; empty if it has none. */
  readonly instanceUuid: string;
  /** UUID of its firmware, which a copy may share. */
  readonly uuid: string;
  readonly disks: readonly SourceDisk[];
}

const POWER: Readonly<Record<string, PowerState>> = {
  poweredOn: 'on',
  poweredOff: 'off',
  suspended: 'suspended',
};

export async function vmNow(session: VsphereSession, vm: SourceVm, signal: AbortSignal): Promise<VmNow> {
  const paths = [
    ...['runtime.powerState', 'runtime.host', 'config.instanceUuid', 'config.uuid'],
    ...['config.hardware.device', 'snapshot'],
  ];
  const properties = await configuredProperties(session, vm, paths, signal);
  return {
    powerState: POWER[properties.get('runtime.powerState')?.text ?? ''] ?? 'unknown',
    snapshots: namesIn(properties.get('snapshot')?.list('rootSnapshotList') ?? []),
    host: properties.get('runtime.host')?.ref,
    instanceUuid: properties.get('config.instanceUuid')?.text ?? '',
    uuid: properties.get('config.uuid')?.text ?? '',
    disks: disksOf(vm.id, properties.get('config.hardware.device')?.parts ?? [], []),
  };
}

const namesIn = (nodes: readonly VimNode[]): string[] =>
  nodes.flatMap((node) => [node.textAt('name') ?? '', ...namesIn(node.list('childSnapshotList'))]);

/** Returns the disk's current state. @throws VsphereDiskGone */
export function diskNow({ disks }: VmNow, vm: SourceVm, disk: SourceDisk): SourceDisk {
  const found = disks.find(({ id }) => id === disk.id);
  if (found === undefined) throw new VsphereDiskGone(disk.name, vm.name);
  return found;
}

/**
 * Returns the disk's state in the snapshot, with the file that held it then.
 *
 * @throws VsphereSnapshotLost, VsphereDiskGone
 */
export async function diskInSnapshot(
  session: VsphereSession,
  vm: SourceVm,
  disk: SourceDisk,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<SourceDisk> {
  const { ref } = await presentSnapshot(session, vm, snapshot, signal);
  try {
    const properties = await propertiesOf(session, ref, ['config.hardware.device'], signal);
    const devices = properties.get('config.hardware.device')?.parts;
    if (devices === undefined) throw new VsphereVmUnreadable(vm.name, 'a VM whose snapshot cannot be read');
    const found = disksOf(vm.id, devices, []).find(({ id }) => id === disk.id);
    if (found === undefined) throw new VsphereDiskGone(disk.name, `the snapshot '${snapshot.name}'`);
    return found;
  } catch (error) {
    if (isFault(error, 'ManagedObjectNotFound'))
      throw new VsphereSnapshotLost(vm.name, snapshot.name, 'is gone');
    throw error;
  }
}

/** Returns vSphere's name for the file with a disk's bytes. */
export function fileOf({ backing, name }: SourceDisk): string {
  if (backing.kind !== 'vsphere') throw new TypeError(`'${name}' is a disk of kind ${backing.kind}`);
  return backing.file;
}
