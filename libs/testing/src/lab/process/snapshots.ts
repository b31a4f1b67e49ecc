import { setTimeout as delay } from 'node:timers/promises';
import type { LabSnapshot } from '../wire.js';
import { endExport, exportNode } from './engine.js';
import type { LabExtent } from './extents.js';
import { beginJobs, dropLayers, endLayerExports, exportLayers, openLayers } from './fleece.js';
import type { Machine } from './machine.js';
import { names } from './paths.js';
import { withoutTracking } from './record.js';
import { Refusal } from './refusal.js';
import {
  addBitmap,
  allocated,
  changesBetween,
  disableBitmap,
  keepChanges,
  removeBitmap,
} from './tracking.js';

/** @throws Refusal 404 */
export function snapshotOf(machine: Machine, name: string): LabSnapshot {
  const found = machine.record.snapshots.find((each) => each.name === name);
  if (found === undefined)
    throw new Refusal(404, 'no-such-snapshot', `${machine.record.id} has no snapshot '${name}'`);
  return found;
}

/** @throws Refusal 404 */
export function diskIndex(machine: Machine, diskId: string): number {
  const index = machine.record.disks.findIndex(({ id }) => id === diskId);
  if (index < 0) throw new Refusal(404, 'no-such-disk', `${machine.record.id} has no disk '${diskId}'`);
  return index;
}

/** @throws Refusal 409 when the name is taken: nothing tells two snapshots of one name apart */
export function mustBeNew(machine: Machine, name: string): void {
  if (machine.record.snapshots.some((each) => each.name === name))
    throw new Refusal(409, 'name-taken', `${machine.record.id} has a snapshot '${name}' already`);
}

/** All disks of the VM at one moment. In turn only. */
export async function createSnapshot(machine: Machine, name: string): Promise<void> {
  mustBeNew(machine, name);
  await delay(machine.record.behaviour.snapshotMs);
  const engine = await machine.engine();
  const { record, paths } = machine;
  const number = record.latest + 1;
  const before = record.recordingSince;
  const layered = { number, layers: 1 };
  await openLayers(engine, record, paths, layered);
  // The jobs first: each holds its disk still until the transaction is over. With the bitmaps first, a write that
  // is let through while the next disk is being stilled would be in the snapshot and in the bitmap after it.
  const bitmaps = record.disks.flatMap((_, disk) => [
    ...(record.changeTracking ? [addBitmap(disk, number)] : []),
    ...(before === undefined ? [] : [disableBitmap(disk, before)]),
  ]);
  await engine.qmp.execute('transaction', { actions: [...beginJobs(record, layered), ...bitmaps] });
  const createdAt = new Date().toISOString();
  if (before !== undefined) await keepChanges(engine, record, paths, before);
  await exportLayers(engine, record, number);
  const snapshot: LabSnapshot = {
    name,
    ...layered,
    createdAt,
    broken: false,
    ...(record.changeTracking ? { changeId: `${record.epoch}/${number}` } : {}),
  };
  await machine.update({
    latest: number,
    snapshots: [...machine.record.snapshots, snapshot],
    changesKept: before === undefined ? record.changesKept : [...record.changesKept, before],
    ...(record.changeTracking ? { recordingSince: number } : {}),
  });
  machine.note('snapshot-created', { snapshot: name, detail: snapshot.changeId ?? 'no change tracking' });
}

/** Removes a snapshot, whoever reads it. In turn only. */
export async function removeSnapshot(machine: Machine, name: string): Promise<void> {
  const snapshot = snapshotOf(machine, name);
  await delay(machine.record.behaviour.removeSnapshotMs);
  if (!snapshot.broken) {
    const engine = await machine.engine();
    const { record, paths } = machine;
    const present = snapshotOf(machine, name);
    await endLayerExports(engine, record, present.number);
    await dropLayers(engine, record, paths, present);
  }
  await machine.update({ snapshots: machine.record.snapshots.filter((each) => each.name !== name) });
  machine.note('snapshot-removed', { snapshot: name });
}

/**
 * Extents that differ between the moment of a change id and a snapshot; for `*`, what is allocated in it.
 *
 * @throws Refusal 410 when the change id tells nothing any more
 */
export async function changedExtents(
  machine: Machine,
  name: string,
  diskId: string,
  since: string,
): Promise<readonly LabExtent[]> {
  const index = diskIndex(machine, diskId);
  const snapshot = snapshotOf(machine, name);
  if (since === '*') return allocated(await machine.engine(), snapshot.number, index);
  const { record, paths } = machine;
  const [epoch, number] = since.split('/');
  const from = Number(number);
  const known = Number.isInteger(from) && from > 0 && from <= snapshot.number && epoch === record.epoch;
  const steps = known ? Array.from({ length: snapshot.number - from }, (_, i) => from + i) : [];
  const ours = snapshot.changeId?.startsWith(`${record.epoch}/`) === true;
  if (!known || !ours || !steps.every((step) => record.changesKept.includes(step)))
    throw new Refusal(410, 'change-id-void', `nothing is known of what changed since '${since}'`);
  return changesBetween(paths, diskId, from, snapshot.number);
}

/** The change tracking loses what it knows. In turn only. */
export async function resetTracking(machine: Machine): Promise<void> {
  const { recordingSince } = machine.record;
  if (recordingSince !== undefined) {
    const engine = await machine.engine();
    await Promise.all(
      machine.record.disks.map((_, disk) => removeBitmap(engine, disk, names.bitmap(recordingSince))),
    );
  }
  await machine.replace(withoutTracking(machine.record));
  machine.note('cbt-reset', { detail: 'asked for' });
}

/** Offers a disk of a VM that is off, until it is powered on. In turn only. @throws Refusal 409 while it is on */
export async function exportDisk(machine: Machine, disk: number): Promise<void> {
  if (machine.record.power === 'on')
    throw new Refusal(409, 'is-on', `${machine.record.id} is on: its disks belong to it`);
  const { qmp } = await machine.engine();
  const exports = (await qmp.execute('query-block-exports')) as readonly { id: string }[];
  if (exports.some(({ id }) => id === names.reader(disk))) return;
  await exportNode(qmp, names.disk(disk), names.reader(disk), 'read-only');
  machine.note('disk-exported', { disk: machine.record.disks[disk]?.id ?? '' });
}

/** Takes the disks' own exports away. In turn only. */
export async function endDiskExports(machine: Machine): Promise<void> {
  const { qmp } = await machine.engine();
  const exports = (await qmp.execute('query-block-exports')) as readonly { id: string }[];
  for (const { id } of exports) if (/^r\d+$/.test(id)) await endExport(qmp, id);
}

/** Cuts every connection that reads this VM, and offers its snapshots again after a while. In turn only. */
export async function cutReaders(machine: Machine, downMs: number): Promise<void> {
  const engine = await machine.engine();
  await endDiskExports(machine);
  const whole = machine.record.snapshots.filter(({ broken }) => !broken);
  for (const { number } of whole) await endLayerExports(engine, machine.record, number);
  machine.note('fault', { detail: `NBD cut for ${downMs} ms` });
  await delay(downMs);
  for (const { number } of whole) await exportLayers(engine, machine.record, number);
}
