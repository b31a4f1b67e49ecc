import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { hasCode } from '../boot-proof/host.js';
import { QemuMissing, TargetHeld } from '../errors.js';

const run = promisify(execFile);
const PROBE_MS = 20_000;
/** What has just been killed may take a moment to let go. */
const PATIENCE_MS = 5000;

/**
 * Sees, by QEMU's image locks, that nobody has a disk open, whether to write or to read: on any machine, where the
 * storage has locks. The disk is not changed. One that is not there is held by nobody.
 * @throws TargetHeld, QemuMissing, the signal's reason
 */
export async function seeReleased(path: string, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    signal.throwIfAborted();
    const holder = existsSync(path) ? await lockInTheWay(path, signal) : undefined;
    if (holder === undefined) return;
    if (performance.now() > deadline) throw new TargetHeld(path, holder);
    await delay(200, undefined, { signal });
  }
}

async function lockInTheWay(path: string, signal: AbortSignal): Promise<string | undefined> {
  // As raw, whatever it holds: opening qcow2 for writing may touch its header, this touches nothing.
  const running = run('qemu-io', ['-f', 'raw', '-c', 'quit', path], {
    signal,
    timeout: PROBE_MS,
    killSignal: 'SIGKILL',
    env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' },
  });
  const closed = new Promise((resolve) => running.child.once('close', resolve));
  try {
    await running;
    return undefined;
  } catch (error) {
    // An abort is told before the process is gone.
    await closed;
    signal.throwIfAborted();
    if (hasCode(error, 'ENOENT')) throw new QemuMissing('qemu-io');
    const stderr: unknown =
      typeof error === 'object' && error !== null && 'stderr' in error ? error.stderr : '';
    return String(stderr).trim().split('\n')[0] || String(error);
  }
}
