import { rm } from 'node:fs/promises';
import type { DiskWay, Snapshot, SourceDisk } from '@ledgerlift/contracts';
import {
  type NbdEndpoint,
  type NbdServer,
  type SourceImage,
  isOfEndpoint,
  serveNbdkitTimes,
  serveSourceTimes,
} from '@ledgerlift/disk-transfer';
import type { Attempt } from '@ledgerlift/worker';
import type { DiskAccess, NbdkitAccess } from '@ledgerlift/providers';
import type { DisksAtWork } from '@ledgerlift/targets';
import type { Tools } from '../tools.js';
import { sourceOf } from './source.js';

export interface OpenDisk {
  /** All serve the same disk. */
  readonly endpoints: readonly NbdEndpoint[];
  /** Undefined: the source has only one way. */
  readonly way: DiskWay | undefined;
  /** Finds the cause of a failed copy, if the source's reader knows more than a lost connection. */
  explain(error: unknown): Promise<unknown>;
  /** Stops its servers. */
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Undefined: the VM is off, and its disk is read directly. */
  readonly snapshot: Snapshot | undefined;
  /** Number of servers that inflate one compressed disk. */
  readonly inflaters: number;
  readonly tools: Tools;
  /** The target of the copy; a source that has to be unpacked is unpacked next to it. */
  readonly target: Pick<DisksAtWork, 'unpacked'>;
  readonly signal: AbortSignal;
}

/**
 * Opens a source disk over NBD, through the provider's server or one of ours. A disk without random access is first
 * unpacked into a claimed temporary file.
 */
export async function openDisk(attempt: Attempt, disk: SourceDisk, options: OpenOptions): Promise<OpenDisk> {
  const { provider, spec, vm } = sourceOf(attempt);
  const reader = { tools: await options.tools.now(), signal: options.signal };
  const access = await provider.diskAccess(spec, vm, disk, options.snapshot, reader);
  return { ...(await opened(attempt, disk, access, options)), way: access.way };
}

type Opened = Omit<OpenDisk, 'way'>;

async function opened(
  attempt: Attempt,
  disk: SourceDisk,
  access: DiskAccess,
  options: OpenOptions,
): Promise<Opened> {
  if (access.kind === 'nbd') {
    const { socket, exportName } = access;
    return { endpoints: [{ socket, exportName }], explain, close: async () => undefined };
  }
  if (access.kind === 'nbdkit') return openPlugin(access, options.signal);
  if (access.kind === 'image') {
    const { driver, file, within, compressed } = access;
    const image = { driver, file, ...(within === undefined ? {} : { within }) };
    return serve(image, compressed ? options.inflaters : 1);
  }
  const { resource, path } = await options.target.unpacked(disk.id);
  await attempt.claim([resource]);
  attempt.progress([], `unpacking ${disk.name}`);
  // The file does not show whether an earlier attempt finished it, so unpack again.
  await rm(path, { force: true });
  await access.unpackTo(path, options.signal);
  return serve({ driver: access.driver, file: path }, access.driver === 'vmdk' ? options.inflaters : 1);
}

async function serve(image: SourceImage, servers: number): Promise<Opened> {
  const endpoints = await serveSourceTimes(image, servers);
  return { endpoints, explain, close: () => stopAll(endpoints) };
}

const explain = async (error: unknown): Promise<unknown> => error;

/** nbdkit opens a remote source only at the first connection: login, look-up, connection to a host. */
const OPEN_MS = 120_000;

async function openPlugin(access: NbdkitAccess, signal: AbortSignal): Promise<Opened> {
  const servers = await serveNbdkitTimes(access, access.servers);
  const { keepAlive } = access;
  const touching = keepAlive && setInterval(() => void keepAlive.touch(), keepAlive.everyMs);
  return {
    endpoints: servers.map(({ socket }) => ({ socket, openMs: OPEN_MS })),
    explain: async (error) => {
      const failed = servers.find(({ socket }) => isOfEndpoint(error, socket));
      if (failed === undefined || signal.aborted) return error;
      const ended = await endOf(failed);
      return access.explain(failed.stderr(), ended, signal);
    },
    close: async () => {
      clearInterval(touching);
      await stopAll(servers);
    },
  };
}

/** A lost connection shows slightly before the server's exit. */
const END_SEEN_MS = 500;

async function endOf(server: NbdServer): Promise<string | undefined> {
  for (const deadline = performance.now() + END_SEEN_MS; performance.now() < deadline;) {
    const ended = server.ended();
    if (ended !== undefined) return ended;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return undefined;
}

async function stopAll(servers: readonly NbdServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}
