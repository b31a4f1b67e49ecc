import { afterAll, beforeAll } from '@jest/globals';
import { eventLogContract, eventLogKillContract } from '../contract/index.js';
import { forkOnSources } from '../contract/fork-on-sources.js';
import { startPostgres, type PostgresServer } from '../contract/postgres-server.js';
import { openPostgresLog } from './open.js';
import { logUnderTest } from './under-test.fixture.js';

/** A killed process has the lease that long. */
const LEASE_MS = 300;
let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
}, 60_000);
afterAll(() => server.stop());

eventLogContract('PostgreSQL', async () => logUnderTest(await server.createDatabase()));

eventLogKillContract('PostgreSQL', async () => {
  const url = await server.createDatabase();
  return {
    startAppender: () => forkOnSources(new URL('./appender.fixture.ts', import.meta.url), [url]),
    open: () => openPostgresLog({ url, leaseMs: LEASE_MS }),
    destroy: async () => undefined,
  };
});
