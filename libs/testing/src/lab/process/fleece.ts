import { copyFile, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { LabSnapshot, LabVmRecord } from '../wire.js';
import { type Engine, endExport, exportNode } from './engine.js';
import { type VmPaths, names } from './paths.js';
import { QmpFailed } from './qmp.js';

// A point in time is a copy-before-write job from the live disk into an empty layer whose backing is that disk: what
// is about to be overwritten is saved there first. A job cannot be resumed over an old layer (it would copy newer
// bytes over what was saved), so each start of the engine puts a new layer below the earlier ones:
//   oldest layer -> ... -> newest layer, the job's target -> the live disk

/** Opens a snapshot's layers, with a new one at the bottom. */
export async function openLayers(
  engine: Engine,
  record: LabVmRecord,
  paths: VmPaths,
  snapshot: Pick<LabSnapshot, 'number' | 'layers'>,
): Promise<void> {
  const { number, layers } = snapshot;
  await Promise.all(
    record.disks.map(async (_, disk) => {
      await copyFile(paths.empty(disk), paths.layer(number, disk, layers - 1));
      for (let layer = layers - 1; layer >= 0; layer--) {
        const newest = layer === layers - 1;
        await engine.qmp.execute('blockdev-add', {
          driver: 'qcow2',
          'node-name': names.layer(number, disk, layer),
          'read-only': !newest,
          file: { driver: 'file', filename: paths.layer(number, disk, layer), 'read-only': !newest },
          backing: newest ? names.disk(disk) : names.layer(number, disk, layer + 1),
        });
      }
    }),
  );
}

/** The jobs that hold a snapshot's moment, as actions of one transaction. */
export const beginJobs = (record: LabVmRecord, { number, layers }: Pick<LabSnapshot, 'number' | 'layers'>) =>
  record.disks.map((_, disk) => ({
    type: 'blockdev-backup',
    data: {
      'job-id': names.job(number, disk),
      device: names.disk(disk),
      target: names.layer(number, disk, layers - 1),
      sync: 'none',
    },
  }));

export async function exportLayers(engine: Engine, record: LabVmRecord, number: number): Promise<void> {
  await Promise.all(
    record.disks.map((_, disk) =>
      exportNode(engine.qmp, names.layer(number, disk, 0), names.snapshotExport(number, disk), 'read-only'),
    ),
  );
}

export async function endLayerExports(engine: Engine, record: LabVmRecord, number: number): Promise<void> {
  await Promise.all(record.disks.map((_, disk) => endExport(engine.qmp, names.snapshotExport(number, disk))));
}

/** Ends a snapshot's jobs, closes its layers and removes their files. */
export async function dropLayers(
  engine: Engine,
  record: LabVmRecord,
  paths: VmPaths,
  { number, layers }: LabSnapshot,
): Promise<void> {
  await Promise.all(
    record.disks.map(async (_, disk) => {
      const job = names.job(number, disk);
      await engine.qmp.until(
        'block-job-cancel',
        { device: job },
        ({ event, data }) => event === 'JOB_STATUS_CHANGE' && data['id'] === job && data['status'] === 'null',
      );
      for (let layer = 0; layer < layers; layer++) await close(engine, names.layer(number, disk, layer));
    }),
  );
  await removeLayerFiles(record, paths, number, layers);
}

export async function removeLayerFiles(
  record: LabVmRecord,
  paths: VmPaths,
  number: number,
  layers: number,
): Promise<void> {
  for (const [disk] of record.disks.entries())
    for (let layer = 0; layer < layers; layer++) await rm(paths.layer(number, disk, layer), { force: true });
}

/** A connection that was cut holds its node for some moments more. */
async function close(engine: Engine, node: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await engine.qmp.execute('blockdev-del', { 'node-name': node });
      return;
    } catch (error) {
      if (tries >= 200 || !(error instanceof QmpFailed)) throw error;
      await delay(10);
    }
  }
}
