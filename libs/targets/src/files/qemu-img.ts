import { rm, writeFile } from 'node:fs/promises';
import { type Cell, ToolRunFailed, runTool } from '@ledgerlift/processes';
import { ToolFailed } from '../errors.js';
import { DisksHeld, ImageToolFailed } from './errors.js';

const TIMEOUT_MS = 120_000;

/** What one run of qemu-img may reach, and who may end it. */
export interface QemuImgRun extends Partial<Pick<Cell, 'read' | 'write'>> {
  readonly signal?: AbortSignal;
  /** The error for what it said when it failed. None: `ToolFailed`. */
  readonly failed?: (said: string) => Error;
}

/**
 * Runs qemu-img in a sandbox, in which it sees only the paths named here. It has ended when this returns or throws.
 *
 * @returns what it wrote to its standard output
 * @throws what `failed` makes of a failure; SandboxMissing, SandboxUnproven; the signal's reason
 */
export async function qemuImg(
  { read = [], write = [], signal, failed }: QemuImgRun,
  ...args: readonly string[]
): Promise<string> {
  const cell = { read, write, network: 'none' } as const;
  const run = { cell, timeoutMs: TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) };
  try {
    return (await runTool('qemu-img', args, run)).stdout;
  } catch (error) {
    if (!(error instanceof ToolRunFailed)) throw error;
    const said = error.why === 'not-installed' ? 'it is not installed' : error.said;
    throw failed?.(said) ?? new ToolFailed('qemu-img', lastLines(said, 2), error);
  }
}

/** For `failed`: what it means that qemu-img could not do something (`create`, `commit`, …) with an image. */
export const imageError =
  (path: string, what: string) =>
  (said: string): DisksHeld | ImageToolFailed => {
    const why = lastLines(said, 3).slice(0, 500);
    // block/file-posix.c: the locks that QEMU takes on every image, whoever started it.
    return /Failed to get .*lock|Is another process using/.test(said)
      ? new DisksHeld(path, why)
      : new ImageToolFailed(`${what} of "${path}"`, why);
  };

/** Replaces a file with an empty one: what qemu-img makes an image of must exist for its sandbox to show it. */
export async function makeEmpty(path: string): Promise<void> {
  await rm(path, { force: true });
  await writeFile(path, '', { flag: 'wx' });
}

const lastLines = (text: string, count: number): string => text.trim().split('\n').slice(-count).join(' ');
