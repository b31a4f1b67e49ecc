import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { LabVmRecord, type LabVmSpec } from '../wire.js';

export const newRecord = (spec: LabVmSpec, id: string): LabVmRecord => ({
  ...spec,
  id,
  power: 'off',
  instance: randomUUID(),
  boots: 0,
  epoch: randomUUID(),
  latest: 0,
  changesKept: [],
  snapshots: [],
});

export async function readRecord(path: string): Promise<LabVmRecord> {
  return LabVmRecord.parse(JSON.parse(await readFile(path, 'utf8')));
}

/** Atomically: a reader, also one after a kill, sees the old record or the new one. */
export async function writeRecord(path: string, record: LabVmRecord): Promise<void> {
  const next = `${path}.next`;
  await writeFile(next, JSON.stringify(record));
  await rename(next, path);
}

/** Change tracking starts over: every earlier change id is void. */
export const withoutTracking = ({ recordingSince: _, ...record }: LabVmRecord): LabVmRecord => ({
  ...record,
  epoch: randomUUID(),
  changesKept: [],
});
