import { runToEnd } from './run-to-end.js';
import { type Cell, environmentOfTools, sandboxCommand } from './sandbox.js';

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
  ) {
    super(said);
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
  const { status, stdout, stderr, why } = await runToEnd(command, rest, {
    timeoutMs,
    // Messages are read by programs: never translated.
    env: { ...env, LC_ALL: 'C.UTF-8' },
    ...(signal === undefined ? {} : { signal }),
    ...(input === undefined ? {} : { input }),
    ...(sandbox.length === 0 ? {} : { group: 'ends-with-us' as const }),
  });
  signal?.throwIfAborted();
  if (status === 0) return { stdout, stderr };
  const isMissing = why === 'ENOENT' || (sandbox.length > 0 && MISSING.test(stderr));
  const said = stderr || `${command} ended with ${why ?? `status ${status ?? '?'}`}`;
  throw new ToolRunFailed(isMissing ? 'not-installed' : 'failed', said, stdout);
}

/** What bwrap says of a command that it does not find (bubblewrap.c). */
const MISSING = /^bwrap: execvp .*: No such file or directory$/m;
