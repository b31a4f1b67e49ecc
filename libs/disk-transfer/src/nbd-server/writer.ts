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

/** Identifies the process that writes a disk. The record lies beside the disk while it is written. */
const WriterRecord = ProcessRecord.extend({ attempt: z.int() });
type WriterRecord = z.infer<typeof WriterRecord>;

/** The earlier writer ran on another host, so this host cannot tell whether it has ended. */
export class WriterUnknown extends LedgerliftError {
  readonly code = 'LL-DSK-030';
  override readonly failure = 'needs-operator';
  constructor(path: string, host: string) {
    super(
      `${path} was being written from host ${host}, and this host (${hostname()}) cannot tell whether that has ended; ` +
        `make sure that no worker runs on ${host}, remove ${path}.writer.json, then retry`,
    );
  }
}

/** A newer attempt already writes the disk. */
export class WriterSuperseded extends LedgerliftError {
  readonly code = 'LL-DSK-031';
  constructor(path: string, attempt: number, newer: number) {
    super(`${path} is written by attempt ${newer}; attempt ${attempt} is over`);
  }
}

export interface Writer {
  readonly server: NbdServer;
  /**
   * Stops the server, waits until it is gone and removes the record.
   * @param patienceMs time before it is killed; can be short if unflushed data may be lost
   */
  release(patienceMs?: number): Promise<void>;
}

/** Throws if any process on this machine has the disk open for writing, in whichever container it runs. */
export type AssertFree = (path: string) => Promise<void>;

const GONE_TIMEOUT_MS = 10_000;

/**
 * Starts the only NBD server through which an attempt may write a disk. First ends the writer of an earlier attempt and waits
 * until it is gone. qemu's image lock is the second guard.
 *
 * @param attempt increases with each attempt of the VM's transfer
 * @throws WriterUnknown, WriterSuperseded, NbdServerFailed, what `assertFree` throws
 */
export async function acquireWriter(
  image: TargetImage,
  recordPath: string,
  attempt: number,
  assertFree: AssertFree,
): Promise<Writer> {
  await endEarlierWriter(image.path, recordPath, attempt, assertFree);
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
 * Ends the writer that the record names and waits until it is gone. Cleanup also calls this before it removes a disk.
 *
 * @throws WriterUnknown, WriterSuperseded, what `assertFree` throws
 */
export async function endEarlierWriter(
  path: string,
  recordPath: string,
  attempt: number,
  assertFree: AssertFree,
): Promise<void> {
  const record = await load(recordPath);
  if (record === undefined) return;
  const sight = await sightOf(record);
  if (sight === 'elsewhere') throw new WriterUnknown(path, record.host);
  // A container that starts again cannot see its earlier processes, and they are usually gone: only the disk's locks tell.
  if (sight === 'out-of-sight') await assertFree(path);
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
  // Record even a process that has just died; the next reader finds it gone.
  return { attempt, ...place, pid, startTicks: id?.startTicks ?? 0 };
}

async function load(path: string): Promise<WriterRecord | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  return WriterRecord.parse(JSON.parse(text));
}
