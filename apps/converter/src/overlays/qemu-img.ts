import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { DisksHeld, ImageToolFailed } from '../errors.js';
import { propertyOf } from '../system-error.js';

const run = promisify(execFile);
const TIMEOUT = 120_000;

/** What qemu-img works on, and who may end it. */
export interface ImageTask {
  readonly path: string;
  readonly signal: AbortSignal;
}

/**
 * qemu-img has ended when this returns or throws.
 * @throws ImageToolFailed; DisksHeld where an image lock is in the way; the signal's reason
 */
export async function qemuImg({ path, signal }: ImageTask, ...args: readonly string[]): Promise<string> {
  signal.throwIfAborted();
  const running = run('qemu-img', args, {
    maxBuffer: 16 << 20,
    timeout: TIMEOUT,
    env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' },
    signal,
    killSignal: 'SIGKILL',
  });
  const closed = new Promise((resolve) => running.child.once('close', resolve));
  try {
    return (await running).stdout;
  } catch (error) {
    // An abort is told before the process is gone.
    await closed;
    signal.throwIfAborted();
    throw imageError(path, args[0] ?? '', textOf(error));
  }
}

/** What a failed qemu-img means. */
export function imageError(path: string, what: string, text: string): DisksHeld | ImageToolFailed {
  const why = text.trim().split('\n').slice(-3).join(' ').slice(0, 500);
  // block/file-posix.c: the locks that QEMU takes on every image, whoever started it.
  return /Failed to get .*lock|Is another process using/.test(text)
    ? new DisksHeld(path, why)
    : new ImageToolFailed(`${what} of "${path}"`, why);
}

function textOf(error: unknown): string {
  if (propertyOf(error, 'code') === 'ENOENT') return 'it is not installed';
  return propertyOf(error, 'stderr') || propertyOf(error, 'message') || String(error);
}
