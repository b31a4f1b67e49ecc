import { existsSync, lstatSync, readlinkSync, statSync } from 'node:fs';
import { LedgerliftError } from '@ledgerlift/contracts';
import { runToEnd } from './run-to-end.js';

/** What a process that opens foreign images or servers may access. */
export interface Cell {
  /** Paths that it may read: its input. */
  readonly read: readonly string[];
  /** Paths that it may write: its output and the folder of its socket. */
  readonly write: readonly string[];
  /** `host` only if the source itself is reached over the network. */
  readonly network: 'none' | 'host';
  /**
   * `host` only where the source is read through devices of this machine. None: a few that hold nothing, such as
   * /dev/null.
   */
  readonly devices?: 'host';
}

export type SandboxState =
  { readonly kind: 'available' } | { readonly kind: 'missing' | 'unknown'; readonly problem: string };

/** The sandbox is required, and this machine cannot make one. */
export class SandboxMissing extends LedgerliftError {
  readonly code = 'LL-DSK-041';
  override readonly failure = 'needs-operator';
  constructor(problem: string) {
    super(
      `no sandbox can be made for a tool that opens a foreign image: ${problem}. Install bubblewrap and allow it to make ` +
        'namespaces, or set LEDGERLIFT_SANDBOX=if-available to work without it.',
    );
  }
}

/** Whether a sandbox can be made could not be found out, such as by a probe that was too slow. It is tried again. */
export class SandboxUnproven extends LedgerliftError {
  readonly code = 'LL-DSK-042';
  override readonly failure = 'transient';
  constructor(problem: string) {
    super(`it could not be found out whether a sandbox can be made here: ${problem}; it is tried again`);
  }
}

const PROBE_MS = 20_000;
const MOST_PROBES = 3;
/** What bwrap says where namespaces or mounts are not allowed to it. Everything else may pass. */
const NOT_ALLOWED = /not permitted|permission denied|no permissions|not supported|invalid argument/i;
const TOP_LEVEL = ['/bin', '/sbin', '/lib', '/lib32', '/lib64'];
const FOR_NETWORK = [
  ...['/etc/resolv.conf', '/etc/hosts', '/etc/nsswitch.conf', '/etc/host.conf', '/etc/gai.conf'],
  ...['/etc/services', '/etc/ssl', '/etc/ca-certificates', '/etc/pki'],
];

let available: Promise<SandboxState> | undefined;

/** Whether bubblewrap can make a sandbox here, or why not. Success is cached. */
export async function sandboxState(): Promise<SandboxState> {
  const looking = (available ??= probes());
  const state = await looking;
  if (state.kind !== 'available') available = undefined;
  return state;
}

async function probes(): Promise<SandboxState> {
  for (let tries = 1; ; tries += 1) {
    const state = await probe();
    if (state.kind !== 'unknown' || tries === MOST_PROBES) return state;
  }
}

async function probe(): Promise<SandboxState> {
  const args = [...bwrapArguments({ read: [], write: [], network: 'none' }), '--', '/bin/sh', '-c', 'exit 0'];
  const { status, stderr, why } = await runToEnd('bwrap', args, {
    timeoutMs: PROBE_MS,
    env: environmentOfTools(),
  });
  if (status === 0) return { kind: 'available' };
  if (why === 'ENOENT') return { kind: 'missing', problem: 'bwrap is not installed' };
  const problem = `${stderr.trim().slice(0, 300)} (${why ?? `status ${status ?? '?'}`})`.trim();
  return { kind: NOT_ALLOWED.test(stderr) ? 'missing' : 'unknown', problem };
}

/**
 * The command that a foreign image's tool is started through; it is followed by `--` and the tool's own. The tool dies with
 * the process that this starts. Start it in a session of its own: so it has no terminal, and can be killed as a whole.
 *
 * @param more further options of bwrap
 * @returns undefined where none can be made and `LEDGERLIFT_SANDBOX` allows to go on
 * @throws SandboxMissing where it is required; SandboxUnproven where the probe proved nothing
 */
export async function sandboxCommand(
  cell: Cell,
  more: readonly string[] = [],
): Promise<readonly string[] | undefined> {
  const state = await sandboxState();
  if (state.kind === 'available') return ['bwrap', ...bwrapArguments(cell), ...more, '--'];
  // A busy machine must never lead to a run without a sandbox.
  if (state.kind === 'unknown') throw new SandboxUnproven(state.problem);
  if (process.env['LEDGERLIFT_SANDBOX'] === 'required') throw new SandboxMissing(state.problem);
  return undefined;
}

function bwrapArguments({ read, write, network, devices }: Cell): readonly string[] {
  return [
    ...['--die-with-parent', '--as-pid-1', '--unshare-pid', '--unshare-ipc', '--unshare-uts'],
    '--unshare-cgroup-try',
    ...(network === 'none' ? ['--unshare-net'] : []),
    // Root keeps only what it needs to read files of other users: what it can reach at all is bound below.
    ...(process.getuid?.() === 0 ? ['--cap-drop', 'ALL', '--cap-add', 'CAP_DAC_OVERRIDE'] : []),
    ...['--ro-bind', '/usr', '/usr', ...TOP_LEVEL.flatMap(topLevel)],
    ...optional('/etc/ld.so.cache'),
    ...(network === 'host' ? FOR_NETWORK.flatMap(optional) : []),
    ...[
      '--proc',
      '/proc',
      '--tmpfs',
      '/tmp',
      '--chdir',
      '/',
      '--setenv',
      'TMPDIR',
      '/tmp',
      '--setenv',
      'HOME',
      '/tmp',
    ],
    ...(devices === 'host' ? ['--dev-bind', '/dev', '/dev', '--ro-bind', '/sys', '/sys'] : ['--dev', '/dev']),
    // The tool itself reports missing paths.
    ...read.flatMap(optional),
    ...write.flatMap((path) => [isDevice(path) ? '--dev-bind-try' : '--bind-try', path, path]),
  ];
}

// A device that is bound like a file cannot be opened (bwrap(1), `--dev-bind`). That it is read only is for the tool's own options:
// no mount keeps a device from being written.
const optional = (path: string): readonly string[] => [
  isDevice(path) ? '--dev-bind-try' : '--ro-bind-try',
  path,
  path,
];

/** A block volume of a worker pod is a device. */
const isDevice = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isBlockDevice() === true;

/** Debian's are links into /usr; elsewhere they are folders. */
function topLevel(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  return lstatSync(path).isSymbolicLink()
    ? ['--symlink', readlinkSync(path), path]
    : ['--ro-bind', path, path];
}

/** Our environment may contain the address of the bus and its credentials, which no tool needs. */
export const environmentOfTools = (): Record<string, string> =>
  Object.fromEntries(
    ['PATH', 'HOME', 'TMPDIR', 'TZ'].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
