import type { LogText, VmRecord } from '@ledgerlift/contracts';
import { type LogTail, targetOf, whereOf } from '@ledgerlift/targets';
import type { VmRun } from '../runs/run-service.js';
import { LogOutOfReach, NoSuchLog, NoSuchVm } from './errors.js';
import { logsOf } from './views/vm.js';

/**
 * The end of a log of a VM, from its target.
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
  if (log === undefined) throw new NoSuchLog(record.source.vm.name, name, logs);
  const tail = await readTail(record, log, tailBytes);
  if (tail === undefined) throw new NoSuchLog(record.source.vm.name, log, []);
  return logTextOf(log, tail, tailBytes);
}

/** A log as it is shown: a target may have kept less of it than was asked for. Pure. */
export function logTextOf(name: string, { text, sizeBytes }: LogTail, tailBytes: number): LogText {
  const truncated = sizeBytes > tailBytes || sizeBytes > Buffer.byteLength(text);
  return { name, sizeBytes, text, truncated };
}

async function readTail(record: VmRecord, log: string, tailBytes: number): Promise<LogTail | undefined> {
  const { target } = record;
  try {
    return await targetOf(target.type).readLog(record, log, tailBytes);
  } catch (error) {
    throw new LogOutOfReach(`${whereOf(target)}/${log}`, error);
  }
}
