import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { OutputTail } from './output-tail.js';
import { sendSignal } from './process-table.js';
import { type Cell, environmentOfTools, sandboxCommand } from './sandbox.js';
import { watchedBy } from './process-group.js';

type Command = readonly [string, ...string[]];

export interface OwnedOptions {
  /** Its whole environment. By default ours; in a cell, the part of ours that tools need. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Open files that it inherits, as file descriptors from 3 on. */
  readonly inherited?: readonly number[];
  /** Programs that wrap it, each with its arguments, such as one that sets limits. */
  readonly through?: readonly string[];
  /** The signal that the kernel sends when this process ends. */
  readonly deathSignal?: 'KILL' | 'TERM';
  /**
   * `read`: its standard output is ours to read. A number: both outputs go to that open file. None: only errors are
   * kept.
   */
  readonly output?: 'read' | number;
  /** `own`: a separate session, which gets no signals from our terminal. */
  readonly session?: 'own';
}

export interface ProcessEnd {
  /** Undefined if a signal ended it, or it could not be started. */
  readonly status: number | undefined;
  readonly signal: string | undefined;
  /** Why it could not be started. */
  readonly error: Error | undefined;
}

const KEPT_OUTPUT = 16_000;
const PIPES_MS = 500;
/** Standard input, output and error come first. */
const FIRST_INHERITED = 3;

/**
 * The kernel signals the process when the thread that started it ends for any reason (prctl PR_SET_PDEATHSIG). If we
 * die before that is set up, no signal is sent, so a shell checks its parent first, and prints why it starts nothing.
 */
const tied = (signal: 'KILL' | 'TERM'): readonly string[] => [
  ...['--pdeathsig', signal, '--', 'sh', '-c'],
  '[ "$PPID" = "$0" ] || { echo "the parent $0 is gone; not starting" >&2; exit 125; }; exec "$@"',
  String(process.pid),
];

/** A process that ends with this one, however this one ends. */
export class OwnedProcess {
  /** Resolves when it has ended and its output was read. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  readonly #isSandboxed: boolean;
  readonly #inner: InnerPid;
  readonly #tail = new OutputTail(KEPT_OUTPUT);
  #end: ProcessEnd | undefined;

  /** Starts the process. A failure to start shows in its end. */
  static start(argv: Command, options: OwnedOptions = {}): OwnedProcess {
    return OwnedProcess.#spawn(argv, options, []);
  }

  /**
   * Starts a process that opens foreign content, in the sandbox of its cell.
   * @throws SandboxMissing, SandboxUnproven
   */
  static async startInCell(argv: Command, cell: Cell, options: OwnedOptions = {}): Promise<OwnedProcess> {
    const infoFd = FIRST_INHERITED + (options.inherited?.length ?? 0);
    const sandbox = await sandboxCommand(cell, ['--info-fd', String(infoFd)]);
    const through = sandbox === undefined ? [] : [...watchedBy(infoFd + 1), ...sandbox];
    return OwnedProcess.#spawn(argv, { env: environmentOfTools(), ...options }, through);
  }

  static #spawn(argv: Command, options: OwnedOptions, sandbox: readonly string[]): OwnedProcess {
    const { env, inherited = [], through = [], deathSignal = 'KILL', output, session } = options;
    const isSandboxed = sandbox.length > 0;
    const [stdout, stderr] =
      typeof output === 'number' ? [output, output] : [output === 'read' ? 'pipe' : 'ignore', 'pipe'];
    const stdio = [
      'ignore',
      stdout,
      stderr,
      ...inherited,
      ...(isSandboxed ? ['pipe', 'pipe'] : []),
    ] as StdioOptions;
    const child = spawn('setpriv', [...tied(deathSignal), ...through, ...sandbox, ...argv], {
      stdio,
      // The sandbox gets no terminal, and can be killed as a whole.
      detached: isSandboxed || session === 'own',
      ...(env === undefined ? {} : { env }),
    });
    if (!isSandboxed) return new OwnedProcess(child, undefined);
    const [info, watch] = child.stdio.slice(-2) as [Readable, Writable];
    child.once('exit', () => watch.destroy());
    return new OwnedProcess(child, info);
  }

  private constructor(child: ChildProcess, info: Readable | undefined) {
    this.#child = child;
    this.#isSandboxed = info !== undefined;
    this.#inner = info === undefined ? { pid: () => child.pid, told: Promise.resolve() } : innerPid(info);
    child.stderr?.on('data', (chunk: Buffer) => this.#tail.push(chunk));
    this.ended = new Promise((resolve) => {
      const over = (end: ProcessEnd): void => resolve((this.#end ??= end));
      child.once('error', (error) => over({ status: undefined, signal: undefined, error }));
      child.once('exit', (code, signal) => {
        const end = (this.#end ??= endOf(code, signal, info !== undefined));
        // Waits for its output, but not forever, because a process that it started may hold its pipes.
        const late = setTimeout(() => over(end), PIPES_MS);
        child.once('close', () => {
          clearTimeout(late);
          over(end);
        });
      });
    });
  }

  /**
   * Of the process itself, also in a sandbox, as this machine knows it; undefined until that is known, or where it did
   * not start.
   */
  get pid(): number | undefined {
    return this.#inner.pid() ?? this.#child.pid;
  }

  /** Resolves once `pid` is that of the process itself rather than of its sandbox. */
  get identified(): Promise<void> {
    return this.#inner.told;
  }

  /** Available only if requested in the options. */
  get stdout(): AsyncIterable<Buffer> {
    return (this.#child.stdout ?? []) as AsyncIterable<Buffer>;
  }

  /** The end of what it has written to its standard error so far. */
  get stderr(): string {
    return this.#tail.text;
  }

  /** How it ended; undefined while it runs. */
  get end(): ProcessEnd | undefined {
    return this.#end;
  }

  /**
   * A sandbox passes no signal on, and dies of it: the process itself gets it, so that it can close what it opened, and so
   * that the sandbox, which waits for it, ends only after it.
   */
  signal(name: NodeJS.Signals): void {
    if (this.#end !== undefined) return;
    const pid = this.#inner.pid();
    // Killed alone while it is made, a sandbox leaves behind the half that waits for it.
    if (name === 'SIGKILL' && this.#isSandboxed && this.#child.pid !== undefined) {
      sendSignal(-this.#child.pid, name);
      if (pid !== undefined) sendSignal(pid, name);
      return;
    }
    if (pid === undefined || pid === this.#child.pid) this.#child.kill(name);
    else sendSignal(pid, name);
  }

  /** Sends SIGTERM, then SIGKILL after the time limit. Resolves when the process is gone. */
  async stop(patienceMs = 5000): Promise<ProcessEnd> {
    this.signal('SIGTERM');
    const killer = setTimeout(() => this.signal('SIGKILL'), patienceMs);
    try {
      return await this.ended;
    } finally {
      clearTimeout(killer);
    }
  }
}

/** In words that follow "it ended with". */
export const inWords = ({ status, signal, error }: ProcessEnd): string =>
  error?.message ?? (signal === undefined ? `status ${status ?? '?'}` : `signal ${signal}`);

interface InnerPid {
  /** @returns undefined until it was told */
  pid(): number | undefined;
  /** Resolves once it was told, or nothing will be. */
  readonly told: Promise<void>;
}

/** bwrap stays outside and tells the pid of what runs in it, as this machine knows it. */
function innerPid(info: Readable): InnerPid {
  let text = '';
  const pid = (): number | undefined => {
    const found = /"child-pid": *(\d+)/.exec(text)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const told = new Promise<void>((resolve) => {
    info.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      if (pid() !== undefined) resolve();
    });
    info.on('error', () => resolve()).on('close', () => resolve());
  });
  return { pid, told };
}

/** bwrap ends with 128 and the number of the signal that ended what ran in it, as a shell does. */
function endOf(code: number | null, signal: NodeJS.Signals | null, isSandboxed: boolean): ProcessEnd {
  if (signal !== null) return { status: undefined, signal, error: undefined };
  const [name] =
    Object.entries(constants.signals).find(([, number]) => isSandboxed && code === 128 + number) ?? [];
  return name === undefined
    ? { status: code ?? undefined, signal: undefined, error: undefined }
    : { status: undefined, signal: name, error: undefined };
}
