import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { QemuFailed, QemuMissing } from '../errors.js';
import { ConsoleReader, type Verdict } from './console.js';
import { hasCode } from './host.js';

export interface BootRequest {
  readonly arguments: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly marker: RegExp | undefined;
  /** The console is written here, as it comes. */
  readonly log: FileHandle;
  readonly signal: AbortSignal;
  readonly onProgress: (seconds: number, lastLine: string) => void;
}

export interface BootResult extends Verdict {
  readonly seconds: number;
  readonly lastLines: readonly string[];
}

/** A guest that prints for ever must not fill the target. */
/** How long a guest that has failed is listened to. */
const LAST_WORDS_MS = 300;
const LOG_LIMIT = 8 * 2 ** 20;

/**
 * Starts QEMU and watches the console until it shows how the guest ended up, or the time is over. QEMU is gone when
 * this returns or throws, and it dies with this process.
 *
 * @throws QemuMissing, QemuFailed, and the reason of the signal when it aborts
 */
export async function watchBoot(request: BootRequest): Promise<BootResult> {
  const { log, signal, marker, timeoutMs, onProgress } = request;
  signal.throwIfAborted();
  const reader = new ConsoleReader(marker);
  const startedAt = performance.now();
  const seconds = (): number => Math.round((performance.now() - startedAt) / 100) / 10;
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'qemu-system-x86_64', ...request.arguments], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: request.env,
  });
  const closed = once(child, 'close');
  // Awaited below; until then a failure to start must not count as unhandled.
  closed.catch(() => undefined);
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString('utf8')).slice(-4096)));
  const kill = (): void => void child.kill('SIGKILL');
  const timer = setTimeout(kill, timeoutMs);
  const ticker = setInterval(() => onProgress(seconds(), reader.lastLines(1)[0] ?? ''), 1000);
  signal.addEventListener('abort', kill);
  let verdict: Verdict | undefined;
  let written = 0;
  let seenAt: number | undefined;
  let lastWords: NodeJS.Timeout | undefined;
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      if (written < LOG_LIMIT) await log.write(chunk);
      written += chunk.length;
      const seen = reader.push(chunk);
      verdict ??= seen;
      if (verdict === undefined) continue;
      seenAt ??= seconds();
      if (verdict.booted) break;
      // What it says of its end comes in pieces, and is the evidence.
      lastWords ??= setTimeout(kill, LAST_WORDS_MS);
    }
    const at = seenAt ?? seconds();
    if (verdict !== undefined || at * 1000 >= timeoutMs) kill();
    const [code, endedBy] = await closed;
    signal.throwIfAborted();
    if (verdict === undefined && at * 1000 < timeoutMs) verdict = endedEarly(code, endedBy, stderr);
    verdict ??= { booted: false, why: silence(timeoutMs, reader) };
    return { ...verdict, seconds: at, lastLines: reader.lastLines(12) };
  } catch (error) {
    signal.throwIfAborted();
    if (hasCode(error, 'ENOENT')) throw new QemuMissing('setpriv');
    throw error;
  } finally {
    clearTimeout(timer);
    clearTimeout(lastWords);
    clearInterval(ticker);
    signal.removeEventListener('abort', kill);
    kill();
    await closed.catch(() => undefined);
  }
}

/** @throws where it was QEMU that ended, and not the guest */
function endedEarly(code: unknown, endedBy: unknown, stderr: string): Verdict {
  if (code === 0) return { booted: false, why: 'it powered itself off' };
  const how = endedBy === null ? `exit code ${String(code)}` : `signal ${String(endedBy)}`;
  const reason = stderr
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.includes('warning:'))
    .slice(-3)
    .join(' ');
  // What `setpriv` says when there is nothing to execute.
  if (code === 127) throw new QemuMissing('qemu-system-x86_64');
  throw new QemuFailed(how, reason);
}

function silence(timeoutMs: number, reader: ConsoleReader): string {
  const limit = `within ${timeoutMs / 1000} s (LEDGERLIFT_BOOT_TIMEOUT_S)`;
  return reader.lastLines(1).length === 0
    ? `nothing came over its serial console ${limit}; does the guest have one?`
    : `no login prompt came over its serial console ${limit}; if the guest has none there, name what it shows in LEDGERLIFT_BOOT_MARKER`;
}
