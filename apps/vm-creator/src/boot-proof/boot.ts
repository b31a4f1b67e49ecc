import type { FileHandle } from 'node:fs/promises';
import { OwnedProcess, type ProcessEnd, inWords } from '@ledgerlift/processes';
import { QemuFailed, QemuMissing } from '../errors.js';
import { ConsoleReader, type Verdict } from './console.js';

export interface BootRequest {
  readonly arguments: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly marker: RegExp | undefined;
  /** Gets the console's output as it arrives. */
  readonly log: FileHandle;
  readonly signal: AbortSignal;
  readonly onProgress: (seconds: number, lastLine: string) => void;
}

export interface BootResult extends Verdict {
  readonly seconds: number;
  readonly lastLines: readonly string[];
}

/** How long to keep reading the console of a failed guest. */
const LAST_WORDS_MS = 300;
/** A guest that never stops printing must not fill the target. */
const LOG_LIMIT = 8 * 2 ** 20;

/**
 * Starts QEMU and watches the console until it shows the guest's fate, or until the time limit. QEMU has ended when
 * this returns or throws, and it dies with this process.
 *
 * @throws QemuMissing, QemuFailed, the signal's reason
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
      // The last output arrives in pieces, and is the evidence.
      lastWords ??= setTimeout(kill, LAST_WORDS_MS);
    }
    const at = seenAt ?? seconds();
    if (verdict !== undefined || at * 1000 >= timeoutMs) kill();
    const end = await qemu.ended;
    signal.throwIfAborted();
    if (verdict === undefined && at * 1000 < timeoutMs) verdict = endedEarly(end, qemu.stderr);
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

/** A shell's exit status for a command that it does not find. */
const NOT_FOUND = 127;

/** @throws QemuMissing, QemuFailed if QEMU failed rather than the guest */
function endedEarly(end: ProcessEnd, stderr: string): Verdict {
  if (end.status === 0) return { booted: false, why: 'it powered itself off' };
  if (end.error !== undefined) throw new QemuMissing('setpriv');
  if (end.status === NOT_FOUND) throw new QemuMissing('qemu-system-x86_64');
  const reason = stderr
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.includes('warning:'))
    .slice(-3)
    .join(' ');
  throw new QemuFailed(inWords(end), reason);
}

function silence(timeoutMs: number, reader: ConsoleReader): string {
  const limit = `within ${timeoutMs / 1000} s (LEDGERLIFT_BOOT_TIMEOUT_S)`;
  return reader.lastLines(1).length === 0
    ? `its serial console printed nothing ${limit}; does the guest have one?`
    : `no login prompt on its serial console ${limit}; if the guest never prints one, set LEDGERLIFT_BOOT_MARKER to a line that it prints`;
}
