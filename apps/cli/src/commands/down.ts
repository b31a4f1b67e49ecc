import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { LedgerliftError } from '@ledgerlift/contracts';
import { endMarked, sendSignal } from '@ledgerlift/processes';
import { BadOption } from '../errors.js';
import { type DataDirLock, holderOf, tryLockDataDir } from '../supervisor/data-dir-lock.js';
import { defaultDataDir } from '../supervisor/installation.js';

/** The running `up` was asked to stop, and is still there. */
class StillUp extends LedgerliftError {
  readonly code = 'LL-CLI-009';
  constructor(dataDir: string, pid: number | undefined, seconds: number) {
    super(
      pid === undefined
        ? `a process that cannot be told holds the lock of ${dataDir}; 'fuser ${dataDir}/up.lock' names it`
        : `process ${pid} was asked to stop and still runs Ledgerlift in ${dataDir} after ${seconds} s; wait longer with ` +
            `--timeout, or end it with 'kill -9 ${pid}' and repeat 'ledgerlift down'`,
      { field: '--data-dir' },
    );
  }
}

const POLL_MS = 100;
const ORPHAN_GRACE_MS = 20_000;

export function downCommand(program: Command): void {
  program
    .command('down')
    .description("stop what 'ledgerlift up' runs in a data directory, also what a killed one left behind")
    .option('--data-dir <folder>', 'where the event log, NATS and the logs live', defaultDataDir())
    .option('--timeout <seconds>', 'how long to wait for the running one to stop', '90')
    .action(async (options: { dataDir: string; timeout: string }) => {
      const seconds = Number(options.timeout);
      if (!(seconds >= 0)) throw new BadOption('--timeout', options.timeout, 'must be a number of seconds');
      await down(options.dataDir, seconds);
    });
}

/** @throws StillUp */
async function down(dataDir: string, seconds: number): Promise<void> {
  if (!existsSync(dataDir)) {
    console.log(`nothing runs in ${dataDir}: there is no such folder`);
    return;
  }
  const { lock, stopped } = await lockAfterStop(dataDir, seconds);
  try {
    const { found: orphans } = await endMarked(lock.mark, {
      graceMs: ORPHAN_GRACE_MS,
      patienceMs: Number.POSITIVE_INFINITY,
    });
    for (const { pid } of orphans)
      console.log(`ended process ${pid}, left behind by a killed 'ledgerlift up'`);
    if (stopped !== undefined) console.log(`stopped 'ledgerlift up' (pid ${stopped})`);
    else if (orphans.length === 0) console.log(`nothing runs in ${dataDir}`);
  } finally {
    await lock.release();
  }
}

/** Asks each holder once; holding the lock shows that the holder and what it supervised are gone. */
async function lockAfterStop(
  dataDir: string,
  seconds: number,
): Promise<{ readonly lock: DataDirLock; readonly stopped: number | undefined }> {
  const deadline = performance.now() + seconds * 1000;
  let asked: number | undefined;
  for (;;) {
    const lock = await tryLockDataDir(dataDir);
    if (lock !== undefined) return { lock, stopped: asked };
    const holder = await holderOf(dataDir);
    if (holder !== undefined && holder.pid !== asked) {
      sendSignal(holder.pid, 'SIGTERM');
      asked = holder.pid;
    }
    if (performance.now() > deadline) throw new StillUp(dataDir, holder?.pid, seconds);
    await sleep(POLL_MS);
  }
}
