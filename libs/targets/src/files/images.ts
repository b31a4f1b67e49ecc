import { open, rm, writeFile } from 'node:fs/promises';
import { qcow2Header } from '@ledgerlift/disk-transfer';
import { type Cell, runTool, ToolRunFailed } from '@ledgerlift/processes';
import { TargetUnusable, ToolFailed } from '../errors.js';
import { DisksHeld, ImageToolFailed } from './errors.js';
import { errorCode } from './paths.js';

const TIMEOUT_MS = 120_000;

/** Sandbox and error handling of one run of qemu-img. */
export interface QemuImgRun extends Partial<Pick<Cell, 'read' | 'write'>> {
  readonly signal?: AbortSignal;
  /** Makes the error for a failed run from its output; `ToolFailed` by default. */
  readonly failed?: (reason: string) => Error;
}

/**
 * Runs qemu-img in a sandbox where it sees only the named paths. The process has ended when this returns or throws.
 *
 * @returns its standard output
 * @throws the error of `failed`; SandboxMissing, SandboxUnproven; the signal's reason
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
    const reason = error.why === 'not-installed' ? 'it is not installed' : error.reason;
    throw failed?.(reason) ?? new ToolFailed('qemu-img', lastLines(reason, 2), error);
  }
}

/** Makes a `failed` for a qemu-img command (`create`, `commit`, …) on an image. */
export const imageError =
  (path: string, what: string) =>
  (reason: string): DisksHeld | ImageToolFailed => {
    const why = lastLines(reason, 3).slice(0, 500);
    // block/file-posix.c: every QEMU tool locks every image that it opens.
    return /Failed to get .*lock|Is another process using/.test(reason)
      ? new DisksHeld(path, why)
      : new ImageToolFailed(`${what} of "${path}"`, why);
  };

/** Replaces a file with an empty one, because the sandbox can show qemu-img only a file that exists. */
export async function makeEmpty(path: string): Promise<void> {
  await rm(path, { force: true });
  await writeFile(path, '', { flag: 'wx' });
}

const lastLines = (text: string, count: number): string => text.trim().split('\n').slice(-count).join(' ');

/** Facts from the first bytes of an image file. */
export interface ImageHeader {
  readonly format: 'raw' | 'qcow2';
  /** Size in bytes as the guest sees it. */
  readonly size: number;
  /** Why it cannot be used; undefined if it can. */
  readonly refusal: string | undefined;
}

/** qemu's docs/interop/qcow2.txt: a header of version 2 has 72 bytes, of version 3 at least 104. */
const HEADER = 104;
const MAGIC = 0x51_46_49_fb;

/**
 * Reads the header of an image from outside: qcow2 by its magic number, otherwise raw. Runs no tool, because a tool would also open
 * the files that the header names. Refuses a qcow2 that refers to another file.
 *
 * @throws TargetUnusable if it cannot be read
 */
export async function imageHeader(path: string): Promise<ImageHeader> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER), 0, HEADER, 0);
      if (bytesRead < 4 || buffer.readUInt32BE(0) !== MAGIC)
        return { format: 'raw', size, refusal: undefined };
      const { size: capacity, refusal } = qcow2Header(buffer.subarray(0, bytesRead));
      return {
        format: 'qcow2',
        size: capacity,
        refusal: refusal === undefined ? undefined : `it ${refusal.why}`,
      };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errorCode(error) === '') throw error;
    throw new TargetUnusable(path, `it cannot be read (${errorCode(error)})`, error);
  }
}
