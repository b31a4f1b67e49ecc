import { afterAll, beforeAll } from '@jest/globals';
import { eventLogContract, eventLogKillContract } from '../contract/index.js';
import { type KurrentServer, REAL_KURRENT, startKurrent } from '../contract/kurrent-server.js';
import { forkOnSources } from '../contract/fork-on-sources.js';
import { openKurrentLog, openKurrentLogForReading } from './open.js';
import { kurrentPlace } from './place.js';

/** A killed process has the lease that long. */
const LEASE_MS = 300;
let server: KurrentServer;
beforeAll(async () => {
  server = await startKurrent();
}, 60_000);
afterAll(() => server.stop());

eventLogContract('KurrentDB', async () => {
  const url = server.newUrl();
  const prefix = kurrentPlace(url)?.prefix ?? '';
  const open = () => openKurrentLog({ url });
  let log = await open();
  return {
    get log() {
      return log;
    },
    async reopen() {
      await log.close();
      log = await open();
      return log;
    },
    openReader: () => openKurrentLogForReading({ url }),
    loseConnections: () => server.restart(),
    // Nobody can edit what a real server stores.
    ...(REAL_KURRENT === undefined
      ? { edited: (place, edits, look) => server.edited(prefix, place, edits, look) }
      : {}),
    destroy: () => log.close(),
  };
});

eventLogKillContract('KurrentDB', async () => {
  const url = server.newUrl();
  return {
    startAppender: () => forkOnSources(new URL('./appender.fixture.ts', import.meta.url), [url]),
    open: () => openKurrentLog({ url, leaseMs: LEASE_MS }),
    destroy: async () => undefined,
  };
});
