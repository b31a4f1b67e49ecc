import { open, readFile, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LedgerliftError } from '@ledgerlift/contracts';
import { z } from 'zod';
import type { NbdServer } from './server-process.js';
import { type TargetImage, serveTarget } from './servers.js';

/** Who writes a disk: stands beside it while it is written. */
const WriterRecord = z.object({
  attempt: z.int(),
  host: z.string(),
  bootId: z.string(),
  pid: z.int(),
  /** Start of the process in clock ticks since boot: tells it from a later one with the same pid. */
  startTicks: z.string(),
});
type WriterRecord = z.infer<typeof WriterRecord>;

/** Nobody here can show that the earlier writer has ended: it is on another host. */
export class WriterUnknown extends LedgerliftError {
  readonly code = 'LL-DSK-030';
  override readonly failure = 'needs-operator';
  constructor(path: string, host: string) {
    super(
      `${path} was being written from host ${host}, and this host (${hostname()}) cannot show that this has ended; ` +
        `see that no worker on ${host} runs, remove ${path}.writer.json, then retry`,
    );
  }
}

/** A newer attempt writes the disk; this one is late. */
export class WriterSuperseded extends LedgerliftError {
  readonly code = 'LL-DSK-031';
  constructor(path: string, attempt: number, newer: number) {
    super(`${path} is written by attempt ${newer}; attempt ${attempt} is over`);
  }
}

export interface Writer {
  readonly server: NbdServer;
  /**
   * Ends the server, sees it gone and removes the record.
   * @param patienceMs after which it is killed: short where what it was not told to flush counts for nothing
   */
  release(patienceMs?: number): Promise<void>;
}

const GONE_TIMEOUT_MS = 10_000;

/**
 * Makes the one NBD server through which an attempt may write a disk: first whatever an earlier attempt left is
 * ended and seen gone. qemu's image lock is the second guard.
 *
 * @param attempt grows with each attempt of the VM's transfer
 * @throws WriterUnknown, WriterSuperseded, NbdServerFailed
 */
export async function acquireWriter(
  image: TargetImage,
  recordPath: string,
  attempt: number,
): Promise<Writer> {
  await endEarlierWriter(image.path, recordPath, attempt);
  const server = await serveTarget(image);
  try {
    await save(recordPath, await describe(server.pid, attempt));
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    server,
    release: async (patienceMs) => {
      await server.stop(patienceMs);
      await rm(recordPath, { force: true });
    },
  };
}

/**
 * Ends the writer that the record names, and sees it gone. For clean-up, too, before it removes a disk.
 *
 * @throws WriterUnknown, WriterSuperseded
 */
export async function endEarlierWriter(path: string, recordPath: string, attempt: number): Promise<void> {
  const record = await load(recordPath);
  if (record === undefined) return;
  if (record.attempt > attempt && (await isAlive(record)))
    throw new WriterSuperseded(path, attempt, record.attempt);
  if (record.host !== hostname()) throw new WriterUnknown(path, record.host);
  const deadline = performance.now() + GONE_TIMEOUT_MS;
  while (await isAlive(record)) {
    if (performance.now() > deadline) throw new WriterUnknown(path, record.host);
    process.kill(record.pid, 'SIGKILL');
    await sleep(20);
  }
  await rm(recordPath, { force: true });
}

async function describe(pid: number, attempt: number): Promise<WriterRecord> {
  const [bootId, startTicks] = await Promise.all([currentBootId(), startTicksOf(pid)]);
  return { attempt, host: hostname(), bootId, pid, startTicks: startTicks ?? '' };
}

/** A reboot ends every process, and a pid that was given anew has another start. */
async function isAlive(record: WriterRecord): Promise<boolean> {
  if (record.host !== hostname() || record.bootId !== (await currentBootId())) return false;
  return (await startTicksOf(record.pid)) === record.startTicks;
}

const currentBootId = async (): Promise<string> =>
  (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();

/** Field 22 of /proc/pid/stat (proc(5)); a zombie has ended. @returns undefined when there is no such process */
async function startTicksOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The command stands in parentheses and may hold anything, so fields are counted after the last one.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields?.[0] === 'Z' ? undefined : fields?.[19];
}

async function load(path: string): Promise<WriterRecord | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  return WriterRecord.parse(JSON.parse(text));
}

async function save(path: string, record: WriterRecord): Promise<void> {
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify(record));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  const folder = await open(dirname(path), 'r');
  await folder.sync().finally(() => folder.close());
}
