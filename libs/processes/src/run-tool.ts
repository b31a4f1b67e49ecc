import { runToEnd } from './run-to-end.js';
import { type Cell, environmentOfTools, sandboxCommand } from './sandbox.js';

export interface ToolRun {
  /** What it may access. Without a cell it opens no foreign content, and runs without a sandbox. */
  readonly cell?: Cell;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Its whole environment. By default the part of ours that tools need. */
  readonly env?: Readonly<Record<string, string>>;
  /** Its standard input. */
  readonly input?: string;
}

/** A tool failed. */
export class ToolRunFailed extends Error {
  override readonly name = 'ToolRunFailed';
  /** @param reason what it wrote to its standard error, or what else went wrong */
  constructor(
    readonly why: 'not-installed' | 'failed',
    readonly reason: string,
    readonly output: string,
  ) {
    super(reason);
  }
}

/**
 * Runs a tool, in the sandbox of its cell if it opens foreign content. The tool has ended when this returns or throws.
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
    // Programs read the messages, so they must not be translated.
    env: { ...env, LC_ALL: 'C.UTF-8' },
    ...(signal === undefined ? {} : { signal }),
    ...(input === undefined ? {} : { input }),
    ...(sandbox.length === 0 ? {} : { group: 'ends-with-us' as const }),
  });
  signal?.throwIfAborted();
  if (status === 0) return { stdout, stderr };
  const isMissing = why === 'ENOENT' || (sandbox.length > 0 && MISSING.test(stderr));
  const reason = stderr || `${command} ended with ${why ?? `status ${status ?? '?'}`}`;
  throw new ToolRunFailed(isMissing ? 'not-installed' : 'failed', reason, stdout);
}

/** What bwrap says of a command that it does not find (bubblewrap.c). */
const MISSING = /^bwrap: execvp .*: No such file or directory$/m;
