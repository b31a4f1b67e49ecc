import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface SeenProcess {
  readonly pid: number;
  readonly command: string;
}

/** Processes whose command names the text, or that have a file below it open. */
export function processesOn(text: string): readonly SeenProcess[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      // Nothing: a zombie, whose parent has not looked yet.
      if (command === '') return [];
      return command.includes(text) || hasOpen(pid, text) ? [{ pid, command }] : [];
    } catch {
      return [];
    }
  });
}

function hasOpen(pid: number, text: string): boolean {
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).includes(text);
    } catch {
      return false;
    }
  });
}

const STOPPED_MS = 150;
const RUNNING_MS = 40;

/** Who writes to disks below a folder gets on only now and then, as on a disk that hardly answers. */
export async function slowed(folder: string, forMs: number): Promise<void> {
  for (const deadline = Date.now() + forMs; Date.now() < deadline;) {
    const writers = processesOn(folder).filter(({ command }) => /^(\S*\/)?(qemu|nbdkit)/.test(command));
    for (const { pid } of writers) signal(pid, 'SIGSTOP');
    await delay(STOPPED_MS);
    for (const { pid } of writers) signal(pid, 'SIGCONT');
    await delay(RUNNING_MS);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
