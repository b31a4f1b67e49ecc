import { readFile, readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Identifies one process until the next boot: a reused pid has another start time. */
export interface ProcessId {
  readonly pid: number;
  /** When it started, in clock ticks since boot. */
  readonly startTicks: number;
}

/** @returns undefined if there is no such process, or it is a zombie */
export async function identify(pid: number): Promise<ProcessId | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // proc_pid_stat(5): the command stands in parentheses and may hold anything; after it come the state (3) up to the start (22).
  const [state = 'X', startTicks] = ((fields) => [fields[0], fields[19]])(
    stat.slice(stat.lastIndexOf(')') + 2).split(' '),
  );
  return startTicks === undefined || 'ZX'.includes(state)
    ? undefined
    : { pid, startTicks: Number(startTicks) };
}

export async function isAlive({ pid, startTicks }: ProcessId): Promise<boolean> {
  return (await identify(pid))?.startTicks === startTicks;
}

/**
 * Name and value of an environment variable: children inherit it, so it finds all of them, whoever their parent is by
 * now.
 */
export interface Mark {
  readonly variable: string;
  readonly value: string;
}

/**
 * The living processes that carry a mark, other than this one. Those of other users cannot be looked at, and are none
 * of ours.
 */
export async function markedProcesses({ variable, value }: Mark): Promise<readonly ProcessId[]> {
  const wanted = `${variable}=${value}`;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      if (pid === process.pid) return undefined;
      const id = await identify(pid);
      // A zombie no longer has an environment.
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      return id !== undefined && environment.split('\0').includes(wanted) && (await isAlive(id))
        ? id
        : undefined;
    }),
  );
  return found.filter((id) => id !== undefined);
}

export interface EndOptions {
  /** How long they have after SIGTERM to end by themselves. 0: they are killed at once. */
  readonly graceMs: number;
  /** How long after SIGKILL they may take to be gone: one that waits for storage that hangs does not go. */
  readonly patienceMs: number;
}

const POLL_MS = 10;

/**
 * Ends all processes that carry a mark, and waits until they are gone.
 *
 * @returns the processes found, and those still alive after the time limit
 */
export async function endMarked(
  mark: Mark,
  { graceMs, patienceMs }: EndOptions,
): Promise<{ readonly found: readonly ProcessId[]; readonly left: readonly ProcessId[] }> {
  const found = new Map<number, ProcessId>();
  const start = performance.now();
  for (let seenGone = 0; ;) {
    const left = await markedProcesses(mark);
    // Looked twice: one that is just becoming another program shows no mark for a moment.
    seenGone = left.length === 0 ? seenGone + 1 : 0;
    const waited = performance.now() - start;
    if (seenGone === 2 || waited > graceMs + patienceMs) return { found: [...found.values()], left };
    for (const id of left) {
      if (waited >= graceMs) sendSignal(id.pid, 'SIGKILL');
      else if (!found.has(id.pid)) sendSignal(id.pid, 'SIGTERM');
      found.set(id.pid, id);
    }
    await delay(POLL_MS);
  }
}

/** Sends a signal. Ignores a process that is already gone. @param pid negative for a process group */
export function sendSignal(pid: number, name: NodeJS.Signals): void {
  // Never 0 or -1: those would mean our own group, or everybody.
  if (pid === 0 || pid === -1) return;
  try {
    process.kill(pid, name);
  } catch (error) {
    // By shape: an error may come from another realm, where `instanceof Error` is false.
    if (!(typeof error === 'object' && error !== null && 'code' in error && error.code === 'ESRCH'))
      throw error;
  }
}
