import { readFile, writeFile } from 'node:fs/promises';
import type { LabVmRecord } from '../wire.js';
import { type Engine, endExport, exportNode } from './engine.js';
import { type LabExtent, united } from './extents.js';
import { LabNbd } from './nbd.js';
import { type VmPaths, names } from './paths.js';

/** Changes between two consecutive snapshots, by disk. */
type Changes = Readonly<Record<string, readonly LabExtent[]>>;

const GRANULARITY = 65536;

export const addBitmap = (disk: number, snapshot: number) => ({
  type: 'block-dirty-bitmap-add',
  data: {
    node: names.disk(disk),
    name: names.bitmap(snapshot),
    granularity: GRANULARITY,
    persistent: true,
  },
});

export const disableBitmap = (disk: number, snapshot: number) => ({
  type: 'block-dirty-bitmap-disable',
  data: { node: names.disk(disk), name: names.bitmap(snapshot) },
});

/** Reads the disabled bitmaps of a snapshot into its file and removes them: from then on they are plain data. */
export async function keepChanges(
  engine: Engine,
  record: LabVmRecord,
  paths: VmPaths,
  snapshot: number,
): Promise<void> {
  const all = await Promise.all(
    record.disks.map(async ({ id }, disk) => [id, await frozen(engine, disk, snapshot)] as const),
  );
  await writeFile(paths.changes(snapshot), JSON.stringify(Object.fromEntries(all)));
  await Promise.all(record.disks.map((_, disk) => removeBitmap(engine, disk, names.bitmap(snapshot))));
}

/** What changed on a disk from one snapshot to another, from what was kept. */
export async function changesBetween(
  paths: VmPaths,
  diskId: string,
  from: number,
  to: number,
): Promise<readonly LabExtent[]> {
  const parts: LabExtent[] = [];
  for (let snapshot = from; snapshot < to; snapshot++) {
    const changes = JSON.parse(await readFile(paths.changes(snapshot), 'utf8')) as Changes;
    parts.push(...(changes[diskId] ?? []));
  }
  return united(parts);
}

/** What base:allocation of a snapshot says is not zero. */
export async function allocated(
  engine: Engine,
  snapshot: number,
  disk: number,
): Promise<readonly LabExtent[]> {
  const client = await LabNbd.open(engine.nbdSocket, names.snapshotExport(snapshot, disk), 'base:allocation');
  try {
    return united(await client.extents((flags) => (flags & 2) === 0));
  } finally {
    client.close();
  }
}

interface Bitmap {
  readonly name: string;
  readonly recording: boolean;
  readonly inconsistent?: boolean;
}

/**
 * What the images know after a start.
 *
 * @returns `whole` when every disk has the bitmap that should record, and it does; `lost` when the daemon before
 *   was killed with the images open, or the record and the images do not belong together
 */
export async function foundBitmaps(engine: Engine, record: LabVmRecord): Promise<'whole' | 'lost'> {
  const nodes = (await engine.qmp.execute('query-named-block-nodes', { flat: true })) as readonly {
    'node-name': string;
    'dirty-bitmaps'?: readonly Bitmap[];
  }[];
  const { recordingSince } = record;
  let whole = true;
  for (const [index] of record.disks.entries()) {
    const node = nodes.find((each) => each['node-name'] === names.disk(index));
    const bitmaps = node?.['dirty-bitmaps'] ?? [];
    const wanted = recordingSince === undefined ? undefined : names.bitmap(recordingSince);
    if (bitmaps.some(({ inconsistent }) => inconsistent === true)) whole = false;
    if (wanted !== undefined && !bitmaps.some(({ name, recording }) => name === wanted && recording))
      whole = false;
    for (const { name } of bitmaps) if (name !== wanted) await removeBitmap(engine, index, name);
  }
  return whole ? 'whole' : 'lost';
}

export async function removeBitmap(engine: Engine, disk: number, name: string): Promise<void> {
  await engine.qmp.execute('block-dirty-bitmap-remove', { node: names.disk(disk), name });
}

async function frozen(engine: Engine, disk: number, snapshot: number): Promise<readonly LabExtent[]> {
  const bitmap = names.bitmap(snapshot);
  await exportNode(engine.qmp, names.disk(disk), names.freeze(disk), 'read-only', [bitmap]);
  try {
    const context = `qemu:dirty-bitmap:${bitmap}`;
    const client = await LabNbd.open(engine.nbdSocket, names.freeze(disk), context);
    try {
      return united(await client.extents((flags) => (flags & 1) !== 0));
    } finally {
      client.close();
    }
  } finally {
    await endExport(engine.qmp, names.freeze(disk));
  }
}
