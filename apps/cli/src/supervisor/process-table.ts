import { readFile, readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process of this machine. A pid is given out again after its process died; with its start time it is unique. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since boot, as `/proc/PID/stat` has it. */
  readonly startTime: string;
}

/** Every process of an installation has this in its environment, and what it starts inherits it. */
export const MARK_VARIABLE = 'LEDGERLIFT_UP_OF';

const POLL_MS = 50;

/** @returns undefined when there is no such process, or only its exit status is left */
export async function identify(pid: number): Promise<ProcessId | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // proc_pid_stat(5): the name in brackets may hold anything; after it come the state (3) up to the start time (22).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = 'X', startTime = ''] = [fields[0], fields[19]];
  return startTime === '' || 'ZX'.includes(state) ? undefined : { pid, startTime };
}

export async function isAlive({ pid, startTime }: ProcessId): Promise<boolean> {
  return (await identify(pid))?.startTime === startTime;
}

/** The living processes, other than this one, that carry the mark: they belong to its installation, whoever their parent is. */
export async function markedProcesses(mark: string): Promise<readonly ProcessId[]> {
  const wanted = `${MARK_VARIABLE}=${mark}`;
  const found: ProcessId[] = [];
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const id = await identify(pid);
    // Of another user's process the environment cannot be read: it is none of ours.
    const environment = await readFile(`/proc/${name}/environ`, 'utf8').catch(() => '');
    if (id !== undefined && environment.split('\0').includes(wanted) && (await isAlive(id))) found.push(id);
  }
  return found;
}

/**
 * Ends all processes that carry the mark: SIGTERM, and SIGKILL after `graceMs`. Resolves when none is left. Call it only
 * while holding the lock of the data directory, or a running installation is ended.
 *
 * @returns the processes that were there
 */
export async function endMarked(mark: string, graceMs: number): Promise<readonly ProcessId[]> {
  const ended = new Map<number, ProcessId>();
  const deadline = performance.now() + graceMs;
  for (;;) {
    const left = await markedProcesses(mark);
    if (left.length === 0) return [...ended.values()];
    const isLate = performance.now() > deadline;
    for (const id of left) {
      if (isLate) signal(id.pid, 'SIGKILL');
      else if (!ended.has(id.pid)) signal(id.pid, 'SIGTERM');
      ended.set(id.pid, id);
    }
    await sleep(POLL_MS);
  }
}

/** A process that is gone already needs no signal. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
