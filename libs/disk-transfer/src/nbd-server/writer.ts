import { readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { LedgerliftError } from '@ledgerlift/contracts';
import {
  ProcessRecord,
  identify,
  isAlive,
  sendSignal,
  sightOf,
  thisPlace,
  writeFileAtomic,
} from '@ledgerlift/processes';
import { z } from 'zod';
import type { NbdServer } from './server-process.js';
import { type TargetImage, serveTarget } from './servers.js';

/** Who writes a disk: stands beside it while it is written. */
const WriterRecord = ProcessRecord.extend({ attempt: z.int() });
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
    await writeFileAtomic(recordPath, JSON.stringify(await describe(server.pid, attempt)), { mode: 0o600 });
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
  const sight = await sightOf(record);
  if (sight === 'elsewhere' || sight === 'out-of-sight') throw new WriterUnknown(path, record.host);
  if (sight === 'in-sight') {
    if (record.attempt > attempt && (await isAlive(record)))
      throw new WriterSuperseded(path, attempt, record.attempt);
    const deadline = performance.now() + GONE_TIMEOUT_MS;
    while (await isAlive(record)) {
      if (performance.now() > deadline) throw new WriterUnknown(path, record.host);
      sendSignal(record.pid, 'SIGKILL');
      await sleep(20);
    }
  }
  await rm(recordPath, { force: true });
}

async function describe(pid: number, attempt: number): Promise<WriterRecord> {
  const [place, id] = await Promise.all([thisPlace(), identify(pid)]);
  // One that has just died is recorded all the same, and found to be gone.
  return { attempt, ...place, pid, startTicks: id?.startTicks ?? 0 };
}

async function load(path: string): Promise<WriterRecord | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  return WriterRecord.parse(JSON.parse(text));
}
