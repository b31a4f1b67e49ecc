import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Cell, environmentOfTools, sandboxCommand } from './sandbox.js';

const run = promisify(execFile);
const MOST_OUTPUT = 16 << 20;

export interface ToolRun {
  /** What it may reach. None: it opens nothing that others made, and runs without a sandbox. */
  readonly cell?: Cell;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** All that it gets of an environment. None: what tools need of ours. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads on its standard input. */
  readonly input?: string;
}

/** A tool that did not do what was asked. */
export class ToolRunFailed extends Error {
  override readonly name = 'ToolRunFailed';
  /** @param said what it wrote to its standard error, or what else went wrong */
  constructor(
    readonly why: 'not-installed' | 'failed',
    readonly said: string,
    readonly output: string,
    cause: unknown,
  ) {
    super(said, { cause });
  }
}

/**
 * Runs a tool, in the sandbox of its cell where it opens what others made. It has ended when this returns or throws.
 *
 * @throws ToolRunFailed, SandboxMissing, SandboxUnproven, the signal's reason
 */
export async function runTool(
  tool: string,
  args: readonly string[],
  { cell, timeoutMs, signal, env = environmentOfTools(), input }: ToolRun,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  signal?.throwIfAborted();
  const sandbox = (cell && (await sandboxCommand(cell))) ?? [];
  const [command = tool, ...rest] = [...sandbox, tool, ...args];
  const running = run(command, rest, {
    maxBuffer: MOST_OUTPUT,
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    // Messages are read by programs: never translated.
    env: { ...env, LC_ALL: 'C.UTF-8' },
    ...(signal === undefined ? {} : { signal }),
  });
  running.child.stdin?.on('error', () => undefined).end(input ?? '');
  // An abort is told before the process is gone. What is in a sandbox holds the other end of its output until it is.
  const closed = new Promise<void>((resolve) => void running.child.once('close', () => resolve()));
  try {
    return await running;
  } catch (error) {
    await closed;
    signal?.throwIfAborted();
    const { code, stdout = '', stderr = '', message } = error as Failure;
    const isMissing = code === 'ENOENT' || (sandbox.length > 0 && MISSING.test(stderr));
    throw new ToolRunFailed(isMissing ? 'not-installed' : 'failed', stderr || message, stdout, error);
  }
}

type Failure = Error & { readonly code?: unknown; readonly stdout?: string; readonly stderr?: string };
/** What bwrap says of a command that it does not find (bubblewrap.c). */
const MISSING = /^bwrap: execvp .*: No such file or directory$/m;
