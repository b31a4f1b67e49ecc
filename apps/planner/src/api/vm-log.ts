import type { LogText, VmRecord } from '@ledgerlift/contracts';
import { type LogTail, targetOf, whereOf } from '@ledgerlift/targets';
import type { VmRun } from '../runs/run-service.js';
import { LogOutOfReach, NoSuchLog, NoSuchVm } from './errors.js';
import { logsOf } from './views/vm.js';

/**
 * Reads the end of a VM's log from its target.
 *
 * @param name as in the VM's `logs`; the first of them if left out
 * @throws NoSuchVm, NoSuchLog, LogOutOfReach
 */
export async function readVmLog(run: VmRun, name: string | undefined, tailBytes: number): Promise<LogText> {
  if (run.state === undefined) throw new NoSuchVm(run.stream);
  const { record } = run.state;
  const logs = logsOf(run.state);
  // Opens only logs in the ledger, so that a request cannot read a file of its choice.
  const log = name === undefined ? logs[0] : logs.find((known) => known === name);
  if (log === undefined) throw new NoSuchLog(record.source.vm.name, name, logs);
  const tail = await readTail(record, log, tailBytes);
  if (tail === undefined) throw new NoSuchLog(record.source.vm.name, log, []);
  return logTextOf(log, tail, tailBytes);
}

/** `truncated` is also true if the target has returned less of the log than was requested. Pure. */
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
