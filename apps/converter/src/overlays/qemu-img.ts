import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { DisksHeld, ImageToolFailed } from '../errors.js';
import { propertyOf } from '../system-error.js';

const run = promisify(execFile);
const TIMEOUT = 120_000;

/** @throws ImageToolFailed; DisksHeld where an image lock is in the way */
export async function qemuImg(path: string, ...args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run('qemu-img', args, {
      maxBuffer: 16 << 20,
      timeout: TIMEOUT,
      env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' },
    });
    return stdout;
  } catch (error) {
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
