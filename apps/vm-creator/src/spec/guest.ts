import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VmRecord } from '@ledgerlift/contracts';
import { whereOf } from '@ledgerlift/targets';
import { bootSector, type TinyGuest } from './boot-sector.js';
import { openPlace, type RecordOptions, vmOf } from './job.js';

/** A VM in its folder, with a boot sector on its first disk. */
export async function vmWith(guest: TinyGuest | undefined, options: RecordOptions): Promise<VmRecord> {
  const record = vmOf(options);
  await openPlace(record);
  const content = Buffer.alloc(1 << 20);
  if (guest !== undefined) bootSector(guest).copy(content);
  for (const [index] of record.disks.entries()) {
    const raw = join(options.root, 'content.raw');
    writeFileSync(raw, index === 0 ? content : Buffer.alloc(1 << 20));
    const format = options.format ?? 'raw';
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, raw, diskOf(record, index)]);
    rmSync(raw);
  }
  return record;
}

export const diskOf = (record: VmRecord, index = 0): string =>
  join(whereOf(record.target), record.disks[index]?.name ?? 'none');

export const digestOf = (path: string): string =>
  createHash('sha256').update(readFileSync(path)).digest('hex');

/** QEMU processes with a file on their command line. */
export function qemusOn(path: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return command.startsWith('qemu-system') && command.includes(path);
      } catch {
        return false;
      }
    });
}
