import { open } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { LogText } from '@ledgerlift/contracts';
import { codeOf } from '../inventory/index.js';
import type { VmRun } from '../runs/run-service.js';
import { LogOutOfReach, NoSuchLog, NoSuchVm } from './errors.js';
import { logsOf } from './views/vm.js';

/**
 * The end of a log of a VM, from the target's folder.
 *
 * @param name as in the VM's `logs`; the conversion's where none is named
 * @throws NoSuchLog, LogOutOfReach
 */
export async function readVmLog(run: VmRun, name: string | undefined, tailBytes: number): Promise<LogText> {
  if (run.state === undefined) throw new NoSuchVm(run.stream);
  const { record } = run.state;
  const logs = logsOf(run.state);
  // Only names that are in the ledger are opened, so a request cannot name a file of its choice.
  const log = name === undefined ? logs[0] : logs.find((known) => known === name);
  const path = log === undefined ? undefined : join(record.target.settings.path, log);
  if (log === undefined || path === undefined || !isInside(record.target.settings.path, path))
    throw new NoSuchLog(record.source.vm.name, name, logs);
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    const length = Math.min(size, tailBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    const text = buffer.subarray(0, bytesRead).toString('utf8');
    return { name: log, sizeBytes: size, text, truncated: length < size };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw new NoSuchLog(record.source.vm.name, log, []);
    throw new LogOutOfReach(path, error);
  }
}

const isInside = (root: string, path: string): boolean => !relative(root, path).startsWith('..');
