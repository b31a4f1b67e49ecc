import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { ToolRunFailed, runTool } from '@ledgerlift/processes';
import { ToolFailed } from '../errors.js';

const PROBE_MS = 20_000;
/** A process that was just killed may need a moment to release its lock. */
const PATIENCE_MS = 10_000;

/**
 * Uses QEMU's image locks to find out whether any process writes a disk, or blocks writers while it reads. Sees other machines
 * too, if the storage supports locks. Does not change the disk. A missing disk has no holder.
 *
 * @returns QEMU's message about the holder; undefined if there is none
 * @throws ToolFailed, SandboxMissing, SandboxUnproven, the signal's reason
 */
export async function diskHolder(path: string, signal: AbortSignal): Promise<string | undefined> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    signal.throwIfAborted();
    const holder = existsSync(path) ? await lockInTheWay(path, signal) : undefined;
    if (holder === undefined || performance.now() > deadline) return holder;
    await delay(200, undefined, { signal });
  }
}

async function lockInTheWay(path: string, signal: AbortSignal): Promise<string | undefined> {
  const image = await unsharedImage(path);
  const cell = { read: [], write: [path], network: 'none' } as const;
  try {
    await runTool('qemu-io', ['-c', 'quit', image], { cell, timeoutMs: PROBE_MS, signal });
    return undefined;
  } catch (error) {
    if (!(error instanceof ToolRunFailed)) throw error;
    if (error.why === 'not-installed') throw new ToolFailed('qemu-io', 'it is not installed', error);
    const [line = ''] = error.reason.trim().split('\n');
    return line.replace(image, `'${path}'`) || 'qemu-io gave no reason';
  }
}

/**
 * Describes the file to qemu-io as opened exclusively for writing. By default qemu-io would share a raw file with other such
 * writers, such as qemu-nbd, so blkdebug takes those permissions away (qemu's qapi/block-core.json, `unshare-child-perms`).
 * Always opens as raw, because opening a qcow2 for writing may change its header.
 */
async function unsharedImage(path: string): Promise<string> {
  const driver = (await stat(path)).isBlockDevice() ? 'host_device' : 'file';
  const file = { driver: 'blkdebug', image: { driver, filename: path }, 'unshare-child-perms': ['write'] };
  return `json:${JSON.stringify({ driver: 'raw', file })}`;
}
