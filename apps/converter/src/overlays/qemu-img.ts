import { ToolRunFailed, runTool } from '@ledgerlift/processes';
import { DisksHeld, ImageToolFailed } from '../errors.js';

const TIMEOUT = 120_000;

/** What qemu-img works on, and who may end it. */
export interface ImageTask {
  /** The image that it is about. */
  readonly path: string;
  /** What it may read besides what it may write; the image alone where neither is given. */
  readonly read?: readonly string[];
  readonly write?: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * qemu-img has ended when this returns or throws. It runs in a sandbox and sees only what the task names.
 * @throws ImageToolFailed; DisksHeld where an image lock is in the way; SandboxMissing, SandboxUnproven; the signal's reason
 */
export async function qemuImg(task: ImageTask, ...args: readonly string[]): Promise<string> {
  const { path, write = [], read = write.includes(path) ? [] : [path], signal } = task;
  const cell = { read, write, network: 'none' } as const;
  try {
    return (await runTool('qemu-img', args, { cell, timeoutMs: TIMEOUT, signal })).stdout;
  } catch (error) {
    if (!(error instanceof ToolRunFailed)) throw error;
    const text = error.why === 'not-installed' ? 'it is not installed' : error.said;
    throw imageError(path, args[0] ?? '', text);
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
