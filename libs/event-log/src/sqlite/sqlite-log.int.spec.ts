import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventLogContract, eventLogKillContract, openTemporaryLog } from '../contract/index.js';
import { openSqliteLog } from './open.js';
import { forkOnSources } from '../contract/fork-on-sources.js';

eventLogContract('SQLite', openTemporaryLog);

eventLogKillContract('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ledgerlift-log-'));
  const path = join(folder, 'events.db');
  return {
    startAppender: () => forkOnSources(new URL('./appender.fixture.ts', import.meta.url), [path]),
    open: () => openSqliteLog({ path }),
    destroy: () => rm(folder, { recursive: true, force: true }),
  };
});
