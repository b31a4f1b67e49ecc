import { mkdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { identify, isAlive, type Mark, type ProcessId, writeFileAtomic } from '@ledgerlift/processes';
import { z } from 'zod';
import type { ProcessSpec } from './supervisor.js';

export interface InstallationOptions {
  readonly dataDir: string;
  readonly httpPort: number;
  readonly natsPort: number;
  readonly natsServer: string;
  /** URL of a running NATS; without it, `up` starts one. */
  readonly natsUrl?: string;
}

export const defaultDataDir = (): string =>
  join(process.env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), 'ledgerlift');

const WORKERS = ['transfer', 'converter', 'vm-creator'] as const;

/** The ports that an installation listens on, and the option that sets each. */
export const portsOf = ({
  httpPort,
  natsPort,
  natsUrl,
}: InstallationOptions): readonly (readonly [number, string])[] => [
  ...(natsUrl === undefined ? [[natsPort, '--nats-port'] as const] : []),
  ...[httpPort, ...WORKERS.map((_, index) => httpPort + 1 + index)].map((port) => [port, '--port'] as const),
];

/**
 * The processes of an installation on one machine, in the stages in which they start: the bus, the planner, the
 * workers. Everything listens on loopback.
 *
 * @param mark goes into the environment of each process, so that it can be found after this process has died
 */
export async function stagesOf(
  options: InstallationOptions,
  mark: Mark,
): Promise<readonly (readonly ProcessSpec[])[]> {
  const { dataDir, httpPort, natsPort } = options;
  const logs = join(dataDir, 'logs');
  const nats = join(dataDir, 'nats');
  for (const folder of [dataDir, logs, nats]) await mkdir(folder, { recursive: true, mode: 0o700 });
  const natsUrl = options.natsUrl ?? `nats://127.0.0.1:${natsPort}`;
  const env = {
    LEDGERLIFT_NATS_URL: natsUrl,
    LEDGERLIFT_DATA_DIR: dataDir,
    LEDGERLIFT_HTTP_HOST: '127.0.0.1',
    [mark.variable]: mark.value,
  };
  const service = (name: string, port: number, alive: 'live' | 'ready'): ProcessSpec => ({
    name,
    command: process.execPath,
    args: [serviceEntry(name)],
    env: { ...env, LEDGERLIFT_HTTP_PORT: String(port) },
    logFile: join(logs, `${name}.log`),
    isReady: () => answers(`http://127.0.0.1:${port}/health/${alive}`),
  });
  const bus: ProcessSpec = {
    name: 'nats',
    command: options.natsServer,
    args: ['--addr', '127.0.0.1', '--port', String(natsPort), '--jetstream', '--store_dir', nats],
    env: { [mark.variable]: mark.value },
    logFile: join(logs, 'nats.log'),
    isReady: () => accepts(natsPort),
  };
  const workers = WORKERS.map((name, index) => service(name, httpPort + 1 + index, 'ready'));
  return [
    ...(options.natsUrl === undefined ? [[bus]] : []),
    [service('planner', httpPort, 'ready')],
    workers,
  ];
}

const serviceEntry = (name: string): string =>
  fileURLToPath(new URL(`../../../${name}/dist/main.js`, import.meta.url));

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  await response.body?.cancel();
  return response.ok;
}

/** @returns whether something listens on this loopback port */
export const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** The process that runs the installation of a data directory. */
const Holder = z.object({ pid: z.int().min(1), startTicks: z.int().min(0) });

const HOLDER_FILE = 'up.json';

/** Marks the processes of an installation, so that they can be found after their parent has died. */
export const installationMark = (value: string): Mark => ({ variable: 'LEDGERLIFT_UP_OF', value });

/**
 * The right to run or clean up the installation of one data directory. The lock is an open SQLite transaction on a file
 * in the directory: the kernel drops it with the process, so it is never stale.
 */
export interface DataDirLock {
  /** The environment variable that marks processes of this installation. */
  readonly mark: Mark;
  /** Publishes our pid, so that `down` knows which process to stop. */
  publish(): Promise<void>;
  /** Removes the published pid and releases the lock. */
  release(): Promise<void>;
}

/** @returns undefined if another process holds the lock */
export async function tryLockDataDir(dataDir: string): Promise<DataDirLock | undefined> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const folder = await realpath(dataDir);
  const lock = tryLock(join(folder, 'up.lock'));
  if (lock === undefined) return undefined;
  const holderFile = join(folder, HOLDER_FILE);
  const { dev, ino } = await stat(folder, { bigint: true });
  return {
    // The path alone is ambiguous: in a container it may belong to another file system.
    mark: installationMark(`${dev}:${ino}:${folder}`),
    publish: async () => {
      await writeFileAtomic(holderFile, JSON.stringify(await identify(process.pid)), { mode: 0o600 });
    },
    release: async () => {
      await rm(holderFile, { force: true });
      lock.close();
    },
  };
}

/**
 * @returns the process that holds the lock; undefined if it has not published its pid yet, or has died (a killed
 * process leaves its file, and its pid may be reused)
 */
export async function holderOf(dataDir: string): Promise<ProcessId | undefined> {
  const text = await readFile(join(dataDir, HOLDER_FILE), 'utf8').catch(() => '');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { data } = Holder.safeParse(json);
  return data !== undefined && (await isAlive(data)) ? data : undefined;
}

function tryLock(path: string): DatabaseSync | undefined {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
    return db;
  } catch (error) {
    db.close();
    // https://www.sqlite.org/rescode.html#busy
    if (error instanceof Error && 'errcode' in error && Number(error.errcode) % 256 === 5) return undefined;
    throw error;
  }
}
