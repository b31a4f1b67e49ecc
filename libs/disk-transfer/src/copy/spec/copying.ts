import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';
import type { NbdServer } from '../../nbd-server/server-process.js';
import { serveSource, serveTarget } from '../../nbd-server/servers.js';
import { copyDisk, type CopyOptions, type CopyResult, Throttle } from '../copier.js';

export const MiB = 1024 * 1024;
/** Its last chunk is not whole. */
export const DISK = 24 * MiB + 4096;

let folder: string;
let servers: { stop(): Promise<void> }[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledgerlift-copy-'));
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  servers = [];
  await rm(folder, { recursive: true, force: true });
});

export const at = (name: string): string => join(folder, name);
/** Is stopped after the test. */
export const running = <T extends { stop(): Promise<void> }>(server: T): T => {
  servers.push(server);
  return server;
};
export const raw = (path: string) => ({ path, format: 'raw' }) as const;
export const reading = async (path: string): Promise<NbdServer> =>
  running(await serveSource({ driver: 'raw', file: path }));
export const writing = async (path: string): Promise<NbdServer> => running(await serveTarget(raw(path)));

/** Bytes that say where they are, so that nothing can be in a wrong place unseen. */
export const pattern = (length: number, seed: number): Buffer => {
  const bytes = Buffer.alloc(length);
  for (let offset = 0; offset + 4 <= length; offset += 4)
    bytes.writeUInt32LE((offset * 2654435761 + seed) >>> 0, offset);
  return bytes;
};

/** Every other 3 MiB is data, the rest is a hole; the last 4096 bytes are data, in a chunk that is not whole. */
export async function sparseDisk(name: string, seed = 1): Promise<string> {
  const file = await open(at(name), 'w');
  await file.truncate(DISK);
  for (let offset = 0; offset < DISK; offset += 6 * MiB) {
    await file.write(pattern(Math.min(3 * MiB, DISK - offset), seed + offset), 0, undefined, offset);
  }
  await file.close();
  return at(name);
}

export async function fullOf(name: string, byte: number, size = DISK): Promise<string> {
  await writeFile(at(name), Buffer.alloc(size, byte));
  return at(name);
}

export async function copy(
  sources: readonly { readonly socket: string }[],
  target: { readonly socket: string },
  change: Partial<CopyOptions> = {},
): Promise<CopyResult> {
  return copyDisk({
    sources,
    target,
    targetState: 'dirty',
    momentId: 'off-1',
    manifestPath: at('chunks'),
    checkpointEvery: { bytes: 4 * MiB, ms: 60_000 },
    onCheckpoint: async () => undefined,
    throttle: new Throttle(),
    signal: new AbortController().signal,
    ...change,
  });
}

export const equal = async (a: string, b: string): Promise<boolean> =>
  (await readFile(a)).equals(await readFile(b));
