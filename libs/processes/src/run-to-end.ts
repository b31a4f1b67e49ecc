import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { sendSignal } from './process-table.js';
import { watchedBy } from './process-group.js';

const MOST_OUTPUT = 16 << 20;
/** After standard input, output and error. */
const WATCH_FD = 3;

export interface RunToEnd {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What it reads on its standard input. */
  readonly input?: string;
  /** `ends-with-us`: so does all of its group, however we end; that there is no such command is then told by a shell. */
  readonly group?: 'ends-with-us';
}

export interface RanToEnd {
  /** Undefined where it could not be started, or a signal ended it. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Why it has no status, in words; `ENOENT` where there is no such command. */
  readonly why: string | undefined;
}

/**
 * Runs a command with its outputs kept, in a session of its own, and kills all of that session's group when the time is over
 * or the signal aborts. bwrap needs it: killed alone while it makes a sandbox, it leaves behind the half that waits for it, which
 * has our pipes open and would never end (seen with 0.8.0).
 *
 * @returns when it has ended and its outputs are closed. Never rejects.
 */
export function runToEnd(
  command: string,
  args: readonly string[],
  { timeoutMs, signal, env, input = '', group }: RunToEnd,
): Promise<RanToEnd> {
  return new Promise((resolve) => {
    const [first = command, ...rest] = [
      ...(group === undefined ? [] : watchedBy(WATCH_FD)),
      command,
      ...args,
    ];
    const child = spawn(first, rest, {
      detached: true,
      stdio: group === undefined ? 'pipe' : ['pipe', 'pipe', 'pipe', 'pipe'],
      ...(env === undefined ? {} : { env }),
    });
    const output = { stdout: '', stderr: '' };
    let why: string | undefined;
    const kill = (reason: string): void => {
      why ??= reason;
      // Not once it was reaped: its number may be somebody else's.
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        sendSignal(-child.pid, 'SIGKILL');
    };
    const onAbort = (): void => kill('it was stopped');
    const timer = setTimeout(() => kill(`it did not end within ${timeoutMs} ms`), timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
        if (output[name].length > MOST_OUTPUT) kill(`it wrote more than ${MOST_OUTPUT} bytes`);
      });
    child.stdin.on('error', () => undefined).end(input);
    const over = (status: number | null, ended?: string): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve({
        status: why === undefined ? (status ?? undefined) : undefined,
        ...output,
        why: why ?? ended,
      });
    };
    const watch = child.stdio[WATCH_FD] as Writable | null | undefined;
    child.once('exit', () => watch?.destroy());
    child.once('error', (error: NodeJS.ErrnoException) => over(null, error.code ?? error.message));
    child.once('close', (status, by) => over(status, by === null ? undefined : `signal ${by}`));
  });
}
