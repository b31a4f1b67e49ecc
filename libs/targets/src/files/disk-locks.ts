import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ToolRunFailed, runTool } from '@ledgerlift/processes';
import { ToolFailed } from '../errors.js';

const PROBE_MS = 20_000;
/** What has just been killed may take a moment to let go. */
const PATIENCE_MS = 5000;

/**
 * Looks, by QEMU's image locks, whether somebody has a disk open, to write or to read: on any machine, where the storage
 * has locks. The disk is not changed. One that is not there is held by nobody.
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
  // As raw, whatever it holds: opening qcow2 for writing may touch its header, this touches nothing.
  const args = ['-f', 'raw', '-c', 'quit', path];
  const cell = { read: [], write: [path], network: 'none' } as const;
  try {
    await runTool('qemu-io', args, { cell, timeoutMs: PROBE_MS, signal });
    return undefined;
  } catch (error) {
    if (!(error instanceof ToolRunFailed)) throw error;
    if (error.why === 'not-installed') throw new ToolFailed('qemu-io', 'it is not installed', error);
    return error.said.trim().split('\n')[0] || 'qemu-io said nothing';
  }
}
