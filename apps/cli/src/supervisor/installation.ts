import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mark } from '@ledgerlift/processes';
import type { ProcessSpec } from './supervised-process.js';

export interface InstallationOptions {
  readonly dataDir: string;
  readonly httpPort: number;
  readonly natsPort: number;
  readonly natsServer: string;
  /** Of a NATS that runs already; none: one is started. */
  readonly natsUrl?: string;
}

export const defaultDataDir = (): string =>
  join(process.env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), 'ledgerlift');

const WORKERS = ['transfer', 'converter', 'vm-creator'] as const;

/** The ports that an installation listens on, and the option that moves each. */
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
 * @param mark what all of them carry in their environment, so that they are found when this process is gone
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

/** @returns whether something listens on the port of loopback */
export const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
