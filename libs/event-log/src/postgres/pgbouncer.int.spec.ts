import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { auditVerify } from '../audit.js';
import { eventLogContract, newEvents } from '../contract/index.js';
import { startPostgres, type PostgresServer } from '../contract/postgres-server.js';
import { openPostgresLog } from './open.js';
import { type PgBouncer, startPgBouncer } from './pgbouncer.fixture.js';
import { logUnderTest } from './under-test.fixture.js';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
}, 60_000);
afterAll(() => server.stop());

// In transactions, too: nothing that the log needs outlives a transaction but `LISTEN`, and that is only a hint.
describe.each(['session', 'transaction'] as const)('PgBouncer that pools by %s', (poolMode) => {
  let bouncer: PgBouncer;
  beforeAll(async () => {
    bouncer = await startPgBouncer(server.port, poolMode);
  });
  afterAll(() => bouncer.stop());

  eventLogContract(`PostgreSQL behind PgBouncer (${poolMode})`, async () => {
    const direct = await server.createDatabase();
    return logUnderTest(direct, bouncer.through(direct));
  });

  it('may be restarted while events are appended and followed', async () => {
    const log = await openPostgresLog({ url: bouncer.through(await server.createDatabase()) });
    const stop = new AbortController();
    const seen: string[] = [];
    const following = log.subscribe({
      onEvents: (events) => void seen.push(...events.map(({ id }) => id)),
      signal: stop.signal,
    });
    const acknowledged: string[] = [];
    let isOver = false;
    const writing = (async () => {
      for (let n = 0; !isOver; n += 1) {
        const { events } = await log.append(`s-${n}`, newEvents(2), 'no-stream');
        acknowledged.push(...events.map(({ id }) => id));
      }
    })();
    for (let round = 0; round < 3; round += 1) {
      const before = acknowledged.length;
      while (acknowledged.length < before + 20) await new Promise((resolve) => setTimeout(resolve, 5));
      if (round < 2) await bouncer.restart();
    }
    isOver = true;
    await writing;
    while (seen.length < acknowledged.length) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort();
    await following;
    expect(seen).toEqual(acknowledged);
    expect((await Array.fromAsync(log.readAll())).map(({ id }) => id)).toEqual(acknowledged);
    expect((await auditVerify(log)).findings).toEqual([]);
    await log.close();
  });
});
