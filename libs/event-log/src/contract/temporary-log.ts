import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteLog, openSqliteLogForReading } from '../sqlite/open.js';
import type { LogUnderTest } from './log-under-test.js';

/** A SQLite log in a folder of its own, which `destroy` removes. For the tests of whoever needs a log. */
export async function openTemporaryLog(): Promise<LogUnderTest & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'ledgerlift-log-'));
  const path = join(folder, 'events.db');
  let log = await openSqliteLog({ path });
  return {
    path,
    get log() {
      return log;
    },
    async reopen() {
      await log.close();
      log = await openSqliteLog({ path });
      return log;
    },
    openReader: async () => openSqliteLogForReading(path),
    loseConnections: async () => undefined,
    async destroy() {
      await log.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
