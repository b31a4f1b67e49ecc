import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { GroupAlive, type GroupOptions, ProcessGroup } from '@ledgerlift/processes';
import { LeftoverAlive } from '../errors.js';
import { type HolderOwner, writeHolder } from './record.js';

export interface HeldRun extends Omit<GroupOptions, 'cwd' | 'strays' | 'input'> {
  /** Absolute path of the record; its name is claimed. */
  readonly record: string;
  /** A folder for the command's files; created empty, and removed with the processes. */
  readonly scratch: string;
  /** Files for the scratch folder, which is the command's working directory. */
  readonly files?: Readonly<Record<string, string>>;
  /** Creates further files there. */
  readonly prepare?: () => Promise<void>;
  /** Called after the command has succeeded, before the scratch folder is removed. */
  readonly taken?: () => Promise<void>;
  readonly owner: HolderOwner;
  readonly timeoutMs: number;
  /** Time for helpers to flush and exit after the command has succeeded. */
  readonly settleMs: number;
  readonly signal: AbortSignal;
}

export type HeldEnd =
  | { readonly ended: 'exit'; readonly status: number }
  | { readonly ended: 'timeout' }
  /** The command succeeded, but a process that it started did not end and was killed: its writes may be torn. */
  | { readonly ended: 'unsettled' };

/**
 * Runs one command that writes disks. When this returns or throws, all its processes have ended.
 * @throws the signal's reason; LeftoverAlive; TargetUnusable if the record cannot be written
 */
export async function runHeld(run: HeldRun): Promise<HeldEnd> {
  const { signal } = run;
  signal.throwIfAborted();
  await rm(run.scratch, { recursive: true, force: true });
  await mkdir(run.scratch, { recursive: true, mode: 0o700 });
  for (const [name, content] of Object.entries(run.files ?? {}))
    await writeFile(join(run.scratch, name), content, { mode: 0o600 });
  const group = await ProcessGroup.prepare({ ...run, cwd: run.scratch, strays: 'ended' });
  const timer = new AbortController();
  const stop = AbortSignal.any([signal, timer.signal]);
  const stopped = new Promise<'stopped'>((resolve) => {
    stop.addEventListener('abort', () => resolve('stopped'), { once: true });
  });
  try {
    await writeHolder(run.record, group.identity, { ...run.owner, scratch: run.scratch });
    await run.prepare?.();
    signal.throwIfAborted();
    void delay(run.timeoutMs, undefined, { signal: timer.signal, ref: false }).then(
      () => timer.abort(),
      () => undefined,
    );
    group.go();
    const status = await Promise.race([group.exited, stopped]);
    signal.throwIfAborted();
    if (status === 'stopped') return { ended: 'timeout' };
    // qemu-nbd flushes when it exits; killed before that, it leaves a torn image.
    if (status === 0 && !(await group.settled(run.settleMs, signal))) return { ended: 'unsettled' };
    if (status === 0) await run.taken?.();
    return { ended: 'exit', status };
  } finally {
    timer.abort();
    await group.end().catch((error: unknown) => {
      throw error instanceof GroupAlive ? new LeftoverAlive(error.pids) : error;
    });
    await rm(run.scratch, { recursive: true, force: true });
  }
}
