import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LedgerliftError } from '@ledgerlift/contracts';
import { endMarked, sendSignal } from '@ledgerlift/processes';
import type { Command } from 'commander';
import { BadOption } from '../errors.js';
import { type DataDirLock, defaultDataDir, holderOf, tryLockDataDir } from '../supervisor/installation.js';
import { type CommandsContext, show } from './context.js';

/** The running `up` was asked to stop, but still runs. */
class StillUp extends LedgerliftError {
  readonly code = 'LL-CLI-009';
  constructor(dataDir: string, pid: number | undefined, seconds: number) {
    super(
      pid === undefined
        ? `an unknown process holds the lock of ${dataDir}; 'fuser ${dataDir}/up.lock' names it`
        : `process ${pid} was asked to stop and still runs Ledgerlift in ${dataDir} after ${seconds} s; wait longer with ` +
            `--timeout, or kill it with 'kill -9 ${pid}' and repeat 'ledgerlift down'`,
      { field: '--data-dir' },
    );
  }
}

const POLL_MS = 100;
const ORPHAN_GRACE_MS = 20_000;

export function downCommand(program: Command): void {
  program
    .command('down')
    .description(
      "stop 'ledgerlift up' in a data directory, and processes that a killed 'ledgerlift up' left behind",
    )
    .option('--data-dir <folder>', 'folder of the event log, NATS and the logs', defaultDataDir())
    .option('--timeout <seconds>', "how long to wait for 'ledgerlift up' to stop", '90')
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

/** Asks each holder once to stop. Once we hold the lock, the holder and its processes are gone. */
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

/** Adds the `delete` command for one kind of definition. */
export function removal(
  command: Command,
  context: CommandsContext,
  operation: 'providers.delete' | 'mappings.delete' | 'plans.delete',
  what: 'provider' | 'mapping' | 'plan',
): void {
  command
    .command('delete')
    .argument(`<${what}>`, 'name or id')
    .description(`delete a ${what}`)
    .action(async (name: string) => {
      await context.api().call(operation, { params: { [what]: name } });
      show(context, { deleted: name }, ({ deleted }) => `deleted ${what} ${deleted}`);
    });
}
