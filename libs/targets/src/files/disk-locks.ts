import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { ToolRunFailed, runTool } from '@ledgerlift/processes';
import { ToolFailed } from '../errors.js';

const PROBE_MS = 20_000;
/** What has just been killed may take a moment to let go. */
const PATIENCE_MS = 10_000;

/**
 * Looks, by QEMU's image locks, whether somebody writes a disk, or reads it and lets nobody write meanwhile: on any machine,
 * where the storage has locks. The disk is not changed. One that is not there is held by nobody.
 *
 * @returns what QEMU says of who holds it
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
    const [line = ''] = error.said.trim().split('\n');
    return line.replace(image, `'${path}'`) || 'qemu-io said nothing';
  }
}

/**
 * The file as qemu-io opens it, to be written, and by nobody else. By itself it would share a raw file with every other
 * writer that does the same, such as qemu-nbd: so blkdebug asks for more (qemu's qapi/block-core.json,
 * `unshare-child-perms`). As raw, whatever it holds: opening qcow2 for writing may touch its header, this touches nothing.
 */
async function unsharedImage(path: string): Promise<string> {
  const driver = (await stat(path)).isBlockDevice() ? 'host_device' : 'file';
  const file = { driver: 'blkdebug', image: { driver, filename: path }, 'unshare-child-perms': ['write'] };
  return `json:${JSON.stringify({ driver: 'raw', file })}`;
}
