import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NbdServer, startServer } from './server-process.js';

type Parameter = readonly [name: string, value: string];

/** What nbdkit is to offer: one of its plugins, and what that is told. */
export interface NbdkitPlugin {
  /** Name, or path of its .so. */
  readonly plugin: string;
  readonly parameters: readonly Parameter[];
  /** Never in a process list, nor in what the server is quoted with. */
  readonly secrets: readonly Parameter[];
  /** Content of files that the plugin is given the path of. */
  readonly files: readonly Parameter[];
  /** Paths that it reads besides, such as where a library lies that it loads. */
  readonly reads: readonly string[];
  /** `host` where it reads the source through devices of this machine. */
  readonly devices?: 'host';
}

/** A plugin may log in to its source on its way up, which takes a while. */
const START_TIMEOUT_MS = 60_000;

/**
 * Exports read-only what a plugin of nbdkit reads.
 *
 * Secrets and files are open files without a name: the plugin finds them by its file descriptors, nobody else can, and
 * nothing is left of them when we are killed. A core dump would hold them, so there is none.
 *
 * @throws NbdServerFailed
 */
export async function serveNbdkit(plugin: NbdkitPlugin): Promise<NbdServer> {
  const { secrets, files, parameters, devices } = plugin;
  const content = [...secrets, ...files].map(([, value]) => value);
  const opened = await openNameless(content);
  const pathOf = (index: number): string => `/proc/self/fd/${FIRST_INHERITED + index}`;
  try {
    const server = await startServer(
      'nbdkit',
      (socket) => [
        ...['--foreground', '--readonly', '--unix', socket, plugin.plugin],
        ...parameters.map(([name, value]) => `${name}=${value}`),
        ...secrets.map(([name], index) => `${name}=+${pathOf(index)}`),
        ...files.map(([name], index) => `${name}=${pathOf(secrets.length + index)}`),
      ],
      {
        cell: {
          read: [...(plugin.plugin.startsWith('/') ? [plugin.plugin] : []), ...plugin.reads],
          write: [],
          network: 'host',
          ...(devices === undefined ? {} : { devices }),
        },
        inherited: opened.map(({ fd }) => fd),
        through: ['prlimit', '--core=0', '--'],
        startTimeoutMs: START_TIMEOUT_MS,
      },
    );
    return { ...server, said: () => redacted(server.said(), secrets) };
  } finally {
    await Promise.all(opened.map((file) => file.close()));
  }
}

/** @throws NbdServerFailed, and none is left */
export async function serveNbdkitTimes(plugin: NbdkitPlugin, servers: number): Promise<readonly NbdServer[]> {
  const started = await Promise.allSettled(Array.from({ length: servers }, () => serveNbdkit(plugin)));
  const running = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const failed = started.find((each) => each.status === 'rejected');
  if (failed === undefined) return running;
  await Promise.all(running.map((server) => server.stop()));
  throw failed.reason;
}

/** Standard input, output and error come first. */
const FIRST_INHERITED = 3;

/** Files that can be opened again through /proc only, each with its content. */
async function openNameless(content: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'ledgerlift-given-'));
  try {
    return await Promise.all(
      content.map(async (text, index) => {
        const file = await open(join(folder, String(index)), 'wx+', 0o600);
        await file.writeFile(text);
        return file;
      }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const redacted = (text: string, secrets: readonly Parameter[]): string =>
  secrets.reduce((rest, [, value]) => (value === '' ? rest : rest.replaceAll(value, '…')), text);
