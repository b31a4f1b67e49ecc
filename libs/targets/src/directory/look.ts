import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DirectorySettings, VmRecord } from '@ledgerlift/contracts';
import { modesAskedFor } from '../conditions.js';
import { layoutFor, type VmLayout } from '../files/layout.js';
import { kindOf } from '../files/paths.js';
import { claimNames } from '../names.js';
import {
  type Looked,
  type Placement,
  type PlanAtTarget,
  recordedNics,
  type TargetAt,
  type TargetUse,
  type TargetView,
  type VmAtTarget,
} from '../plan.js';
import { findAdoptedDisks } from './adopted.js';

/**
 * Inspects the folder as workers would find it. Read-only. If it does not exist yet, a worker creates it later, so its nearest
 * existing parent counts.
 */
export async function look(
  { settings: { path } }: TargetAt<DirectorySettings>,
  { spec, vms }: PlanAtTarget,
  use: TargetUse,
): Promise<Looked<TargetView>> {
  const places = vms.map(({ targetName, targetNamespace }) => `${targetNamespace}/${targetName}`);
  const { problems, freeBytes, taken } = await lookAt(path, places);
  const requests = vms.map(({ vm, adopted }) => ({ vm, where: adopted }));
  const adopted = spec.type === 'conversion' ? await findAdoptedDisks(path, requests, use.disks) : new Map();
  return { problems, view: { freeBytes, taken: new Map([...taken, ...use.places]), adopted } };
}

type Seen = Pick<Looked<TargetView>, 'problems'> & Pick<TargetView, 'freeBytes' | 'taken'>;

async function lookAt(path: string, places: readonly string[]): Promise<Seen> {
  try {
    const existing = await nearestExisting(path);
    if (!(await stat(existing)).isDirectory()) return unusable(path, `${existing} is not a folder`);
    await access(existing, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(existing);
    const taken = new Map<string, string>();
    for (const place of places) {
      const at = join(path, place);
      if ((await kindOf(at)) !== 'absent') taken.set(place, `${at} exists`);
    }
    return { problems: [], freeBytes: bavail * bsize, taken };
  } catch (error) {
    return unusable(path, error instanceof Error ? error.message : String(error));
  }
}

const unusable = (path: string, message: string): Seen => ({
  problems: [{ item: path, code: 'NotWritable', message }],
  freeBytes: undefined,
  taken: new Map(),
});

async function nearestExisting(path: string): Promise<string> {
  if ((await kindOf(path)) !== 'absent') return path;
  const parent = dirname(path);
  return parent === path ? path : nearestExisting(parent);
}

/** Places a VM: its folder, and its disks in it or where another tool brought them. Pure. */
export function place(
  { settings }: TargetAt<DirectorySettings>,
  { spec }: PlanAtTarget,
  vm: VmAtTarget,
  { adopted }: TargetView,
): Placement | undefined {
  const layout = layoutFor({
    namespace: vm.targetNamespace,
    targetName: vm.targetName,
    claims: claimNames(vm),
    format: settings.diskFormat,
  });
  const disks =
    spec.type === 'conversion'
      ? adoptedDisks(vm, layout, settings, adopted)
      : newDisks(vm, layout, settings.diskFormat);
  if (disks === undefined) return undefined;
  return { folder: layout.folder, nics: recordedNics(vm), disks };
}

function newDisks(
  { vm, storageOf }: VmAtTarget,
  layout: VmLayout,
  format: 'raw' | 'qcow2',
): VmRecord['disks'] | undefined {
  const disks = vm.disks.flatMap((disk, index) => {
    const [pair, at] = [storageOf[index], layout.disks[index]];
    if (pair === undefined || at === undefined) return [];
    return [
      { diskId: disk.id, name: at.disk, pvcName: at.pvcName, ...modesAskedFor(pair.destination), format },
    ];
  });
  return disks.length === vm.disks.length ? disks : undefined;
}

/** The manifests name the plan's storage or, without one, the target's first storage. */
function adoptedDisks(
  { vm, storageOf }: VmAtTarget,
  layout: VmLayout,
  { storages: [first] }: DirectorySettings,
  adopted: TargetView['adopted'],
): VmRecord['disks'] | undefined {
  const disks = vm.disks.flatMap((disk, index) => {
    const found = adopted.get(vm.id)?.disks.find(({ diskId }) => diskId === disk.id);
    const at = layout.disks[index];
    if (found === undefined || at === undefined) return [];
    const { name, format } = found;
    const modes = storageOf[index]?.destination ?? {
      storageClass: first?.name ?? 'default',
      accessMode: first?.accessModes[0] ?? 'ReadWriteOnce',
      volumeMode: first?.volumeModes[0] ?? 'Filesystem',
    };
    const { pvcName } = at;
    return [{ diskId: disk.id, name, pvcName, ...modesAskedFor(modes), format, adopted: true as const }];
  });
  return disks.length === vm.disks.length ? disks : undefined;
}
