import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool, ToolRunFailed } from '@ledgerlift/processes';
import { type NbdServer, startAll, startServer } from './server-process.js';

type Parameter = readonly [name: string, value: string];

/** An nbdkit plugin to serve, with its parameters. */
export interface NbdkitPlugin {
  /** Name of the plugin, or path of its .so. */
  readonly plugin: string;
  readonly parameters: readonly Parameter[];
  /** Parameters that never show in a process list or in quoted server output. */
  readonly secrets: readonly Parameter[];
  /** Parameters whose values are file contents: the plugin gets the path of a file with that content. */
  readonly files: readonly Parameter[];
  /** Other paths that it reads, such as the folder of a library that it loads. */
  readonly reads: readonly string[];
  /** `host` if it reads the source through devices of this machine. */
  readonly devices?: 'host';
}

/** Long, because a plugin may log in to its source while it starts. */
const START_TIMEOUT_MS = 60_000;

/**
 * Serves a disk read-only through an nbdkit plugin.
 *
 * Secrets and files are passed as open files without a name: only the plugin can reach them, by its file descriptors, and nothing
 * stays behind if we are killed. Core dumps are off, because they would contain the secrets.
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
    return { ...server, stderr: () => redacted(server.stderr(), secrets) };
  } finally {
    await Promise.all(opened.map((file) => file.close()));
  }
}

/** Starts several servers of the same plugin. @throws NbdServerFailed if one fails, after stopping the others */
export const serveNbdkitTimes = (plugin: NbdkitPlugin, servers: number): Promise<readonly NbdServer[]> =>
  startAll(servers, () => serveNbdkit(plugin));

/** The first descriptor after standard input, output and error. */
const FIRST_INHERITED = 3;

/** Creates files that can be reopened only through /proc. */
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

/** Long, because a slow plugin is still usable. */
const PROBE_MS = 20_000;

/** nbdkit's output about one of its plugins. */
export interface PluginDump {
  /** The dump; empty if the plugin cannot be loaded. */
  readonly out: string;
  /** The reason of a failure. */
  readonly reason: string;
}

/**
 * Makes nbdkit load a plugin and dump its metadata, to find out whether it works and in which version.
 *
 * @param plugin its name, or the path of its .so
 * @param reads other paths that it reads
 */
export async function dumpPlugin(
  plugin: string,
  reads: readonly string[],
  ...parameters: readonly string[]
): Promise<PluginDump> {
  const read = plugin.startsWith('/') ? [plugin, ...reads] : reads;
  const cell = { read, write: [], network: 'none' } as const;
  try {
    const { stdout, stderr } = await runTool('nbdkit', [plugin, '--dump-plugin', ...parameters], {
      cell,
      timeoutMs: PROBE_MS,
    });
    return { out: stdout, reason: reasonIn(stderr) };
  } catch (error) {
    return error instanceof ToolRunFailed
      ? { out: error.output, reason: reasonIn(error.reason) }
      : { out: '', reason: reasonIn(error instanceof Error ? error.message : String(error)) };
  }
}

/** Extracts the reason from the output, without the advice to read a manual. */
function reasonIn(text: string): string {
  const lines = text.trimEnd().split('\n');
  return (lines.find((line) => line.includes('error:')) ?? lines.at(-1) ?? '').slice(0, 300);
}
