import { readdir, readFile, readlink } from 'node:fs/promises';

/** Environment variable by which the processes of one group are known, wherever they went. */
export const MARK_VARIABLE = 'LEDGERLIFT_PROCESS_MARK';

/** Which running kernel this is: another after each boot. */
export async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

/** Which processes this process can see. */
export const pidNamespace = (): Promise<string> => readlink('/proc/self/ns/pid');

/**
 * When a process started, in ticks since boot: with the pid it names one process for ever, until the next boot.
 * Undefined when there is no such process, or it is dead and only waits to be reaped.
 */
export async function startTicks(pid: number): Promise<number | undefined> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // proc(5): the command stands in parentheses and may hold any; state is field 3, starttime field 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19]);
}

/** Processes that carry the mark. A zombie has no environment any more, and so is not among them. */
export async function markedProcesses(mark: string): Promise<number[]> {
  const wanted = `${MARK_VARIABLE}=${mark}`;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environ = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      return environ.split('\0').includes(wanted) ? [pid] : [];
    }),
  );
  return found.flat();
}
