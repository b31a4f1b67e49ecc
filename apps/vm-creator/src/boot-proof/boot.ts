import type { FileHandle } from 'node:fs/promises';
import { OwnedProcess, type ProcessEnd, inWords } from '@ledgerlift/processes';
import { QemuFailed, QemuMissing } from '../errors.js';
import { ConsoleReader, type Verdict } from './console.js';

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

/** How long a guest that has failed is listened to. */
const LAST_WORDS_MS = 300;
/** A guest that prints for ever must not fill the target. */
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
  const qemu = OwnedProcess.start(['qemu-system-x86_64', ...request.arguments], {
    output: 'read',
    env: request.env,
  });
  const kill = (): void => qemu.signal('SIGKILL');
  const timer = setTimeout(kill, timeoutMs);
  const ticker = setInterval(() => onProgress(seconds(), reader.lastLines(1)[0] ?? ''), 1000);
  signal.addEventListener('abort', kill);
  let verdict: Verdict | undefined;
  let written = 0;
  let seenAt: number | undefined;
  let lastWords: NodeJS.Timeout | undefined;
  try {
    for await (const chunk of qemu.stdout) {
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
    const end = await qemu.ended;
    signal.throwIfAborted();
    if (verdict === undefined && at * 1000 < timeoutMs) verdict = endedEarly(end, qemu.said);
    verdict ??= { booted: false, why: silence(timeoutMs, reader) };
    return { ...verdict, seconds: at, lastLines: reader.lastLines(12) };
  } finally {
    clearTimeout(timer);
    clearTimeout(lastWords);
    clearInterval(ticker);
    signal.removeEventListener('abort', kill);
    kill();
    await qemu.ended;
  }
}

/** What a shell says of a command that it does not find. */
const NOT_FOUND = 127;

/** @throws where it was QEMU that ended, and not the guest */
function endedEarly(end: ProcessEnd, said: string): Verdict {
  if (end.status === 0) return { booted: false, why: 'it powered itself off' };
  if (end.error !== undefined) throw new QemuMissing('setpriv');
  if (end.status === NOT_FOUND) throw new QemuMissing('qemu-system-x86_64');
  const reason = said
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.includes('warning:'))
    .slice(-3)
    .join(' ');
  throw new QemuFailed(inWords(end), reason);
}

function silence(timeoutMs: number, reader: ConsoleReader): string {
  const limit = `within ${timeoutMs / 1000} s (LEDGERLIFT_BOOT_TIMEOUT_S)`;
  return reader.lastLines(1).length === 0
    ? `nothing came over its serial console ${limit}; does the guest have one?`
    : `no login prompt came over its serial console ${limit}; if the guest has none there, name what it shows in LEDGERLIFT_BOOT_MARKER`;
}
