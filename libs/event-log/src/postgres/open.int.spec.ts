import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { auditVerify } from '../audit.js';
import { expectAppendsThrough } from '../contract/appends-through.js';
import { newEvents } from '../contract/index.js';
import { ownerContract } from '../contract/owner-contract.js';
import { forkOnSources } from '../contract/fork-on-sources.js';
import { startPostgres, type PostgresServer } from '../contract/postgres-server.js';
import type { EventLog } from '../port.js';
import { Database } from './database.js';
import { openPostgresLog, openPostgresLogForReading, type PostgresLogOptions } from './open.js';
import { upgradeTables } from './schema.js';

/** No process here is silent for so long. */
const LEASE_MS = 60_000;
let server: PostgresServer;
let url: string;
let opened: EventLog[];
beforeAll(async () => {
  server = await startPostgres();
}, 60_000);
afterAll(() => server.stop());
beforeEach(async () => {
  opened = [];
  url = await server.createDatabase();
});
afterEach(() => Promise.all(opened.map((log) => log.close())));

async function open(options: Partial<PostgresLogOptions> = {}): Promise<EventLog> {
  const log = await openPostgresLog({ url, leaseMs: LEASE_MS, ...options });
  opened.push(log);
  return log;
}
async function sql(text: string, at = url): Promise<void> {
  const client = new Client({ connectionString: at });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
/** As if the first owner had been silent for its whole lease. */
const endFirstLease = () => sql(`UPDATE ledgerlift_log SET leased_until = '-infinity'`);
const revisionsOf = async (log: EventLog, stream: string) =>
  (await Array.fromAsync(log.readStream(stream))).map(({ revision }) => revision);

describe('the owner of a log on PostgreSQL', () => {
  ownerContract({ open, endLease: endFirstLease });

  it('does not answer for the log while it cannot renew its lease', async () => {
    const log = await open({ leaseMs: 600, patienceMs: 100 });
    const until = async (owns: boolean) => {
      while (log.owns() !== owns) await sleep(20);
    };
    await until(true);
    await sql('ALTER TABLE ledgerlift_log RENAME TO away');
    await until(false);
    await sql('ALTER TABLE away RENAME TO ledgerlift_log');
    await until(true);
    await log.append('a', newEvents(1), 'no-stream');
  });

  it('is replaced when it is stopped, at whatever moment', async () => {
    const leaseMs = 300;
    for (let round = 0; round < 5; round += 1) {
      const owner = forkOnSources(new URL('./appender.fixture.ts', import.meta.url), [url]);
      await once(owner, 'message');
      await sleep(20 * round);
      owner.kill('SIGSTOP');
      const next = await openPostgresLog({ url, leaseMs });
      await next.append(`after-${round}`, newEvents(1), 'no-stream');
      owner.kill('SIGKILL');
      await next.close();
    }
  });

  it('closes while it still connects for notifications', async () => {
    await open();
    for (let round = 0; round < 20; round += 1) {
      const reader = await openPostgresLogForReading({ url });
      const following = reader.subscribe({
        onEvents: () => undefined,
        signal: new AbortController().signal,
      });
      await reader.close();
      await following;
    }
  }, 30_000);

  it('stops waiting when it is told to', async () => {
    await open();
    const reason = new Error('shut down');
    const stop = new AbortController();
    const waiting = open({ signal: stop.signal, onWaiting: () => stop.abort(reason) });
    await expect(waiting).rejects.toBe(reason);
  });
});

describe('a server that is killed', () => {
  it('has every acknowledged append when it is back, and appends and readers go on', async () => {
    const restart = () => server.restart();
    await expectAppendsThrough(await open(), [restart, restart]);
  }, 60_000);

  it('has them even if its commits are set to be asynchronous', async () => {
    const name = url.split('/').at(-1) ?? '';
    // A commit that waits for nothing is on disk after this time only.
    await server.admin(`ALTER SYSTEM SET wal_writer_delay = '10s'`, 'SELECT pg_reload_conf()');
    await server.admin(`ALTER DATABASE ${name} SET synchronous_commit = off`);
    const log = await open();
    await log.append('a', newEvents(3), 'no-stream');
    await server.restart();
    expect(await revisionsOf(log, 'a')).toEqual([0, 1, 2]);
    await server.admin('ALTER SYSTEM RESET wal_writer_delay', 'SELECT pg_reload_conf()');
  });

  it('that comes back without acknowledged events takes no more', async () => {
    const log = await open();
    await log.append('a', newEvents(3), 'no-stream');
    await sql('DELETE FROM ledgerlift_events WHERE revision > 0; UPDATE ledgerlift_log SET last = 1');
    await expect(log.append('a', newEvents(1), 0)).rejects.toMatchObject({ code: 'LL-LOG-011' });
    expect(await revisionsOf(log, 'a')).toEqual([0]);
  });

  it('and does not come back fails appends and reads after the patience', async () => {
    const log = await open({ patienceMs: 200 });
    // A database that is renamed can be reached no more.
    const [name] = url.split('/').slice(-1);
    await sql(
      `ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
      url.replace(/[^/]+$/, 'postgres'),
    );
    const appends = ['a', 'b', 'c'].map((stream) => log.append(stream, newEvents(1), 'no-stream'));
    for (const { reason } of (await Promise.allSettled(appends)) as PromiseRejectedResult[])
      expect(reason).toMatchObject({ code: 'LL-LOG-006' });
    await expect(log.head()).rejects.toThrow(/not currently accepting connections/);
  });
});

describe('a database', () => {
  it('of another version, or of another encoding, is refused and left as it is', async () => {
    await (await open()).close();
    await sql('UPDATE ledgerlift_log SET schema_version = 99');
    await expect(open()).rejects.toMatchObject({ code: 'LL-LOG-003' });
    await expect(openPostgresLogForReading({ url })).rejects.toMatchObject({ code: 'LL-LOG-003' });
    await sql(
      `CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`,
      url.replace(/[^/]+$/, 'postgres'),
    );
    const latin = url.replace(/[^/]+$/, 'latin');
    await expect(openPostgresLog({ url: latin })).rejects.toMatchObject({ code: 'LL-LOG-003' });
  });

  it('of an older version is upgraded by its owner, whole or not at all', async () => {
    const log = await open();
    await log.append('a', newEvents(1), 'no-stream');
    const database = new Database({ url, patienceMs: 0 });
    const look = async () => {
      const [row] = await database.query('SELECT * FROM ledgerlift_log');
      return row ?? {};
    };
    const { epoch } = await look();
    const upgrade = (from: unknown, ...next: readonly string[]) =>
      upgradeTables(database, String(from), ['-- the first version', ...next]);
    await expect(upgrade('0', 'SELECT 1')).rejects.toMatchObject({ code: 'LL-LOG-010' });
    const addColumn = 'ALTER TABLE ledgerlift_log ADD COLUMN added integer';
    await expect(upgrade(epoch, addColumn, 'SELECT broken')).rejects.toThrow(/broken/);
    expect(await look()).toMatchObject({ schema_version: 1 });
    expect(await look()).not.toHaveProperty('added');
    await upgrade(epoch, addColumn, 'UPDATE ledgerlift_log SET added = 7');
    await upgrade(epoch, addColumn, 'UPDATE ledgerlift_log SET added = 7');
    expect(await look()).toMatchObject({ schema_version: 3, added: 7 });
    // This version waited for the lease meanwhile, and must not append to tables that it does not know.
    await log.close();
    await expect(open()).rejects.toMatchObject({ code: 'LL-LOG-003' });
    await database.close();
  });

  it('without a log cannot be read', async () => {
    await expect(openPostgresLogForReading({ url })).rejects.toMatchObject({ code: 'LL-LOG-003' });
  });

  it('is read by a role that may only read', async () => {
    await (await open()).append('a', newEvents(2), 'no-stream');
    await sql('CREATE ROLE auditor LOGIN; GRANT SELECT ON ledgerlift_log, ledgerlift_events TO auditor');
    const reader = await openPostgresLogForReading({ url: url.replace('ledgerlift@', 'auditor@') });
    opened.push(reader);
    expect((await auditVerify(reader)).findings).toEqual([]);
    await expect(openPostgresLog({ url: url.replace('ledgerlift@', 'auditor@') })).rejects.toMatchObject({
      code: 'LL-LOG-008',
    });
  });

  it('that is not there is named without the password', async () => {
    const missing = url.replace('ledgerlift@', 'ledgerlift:hunter2@').replace(/[^/]+$/, 'missing');
    const error = await openPostgresLog({ url: missing }).catch((each: Error) => each);
    expect(error).toMatchObject({ code: 'LL-LOG-008', message: expect.stringContaining('/missing') });
    expect(String(error)).not.toContain('hunter2');
  });

  it('whose server ends a connection as it greets is away, and ends no process', async () => {
    const message = (type: string, body: string): Buffer => {
      const length = Buffer.alloc(4);
      length.writeInt32BE(4 + body.length);
      return Buffer.concat([Buffer.from(type), length, Buffer.from(body, 'latin1')]);
    };
    const greeting = Buffer.concat([
      message('R', '\0\0\0\0'),
      message('Z', 'I'),
      message('E', 'SFATAL\0C57P01\0Mterminating connection\0\0'),
    ]);
    const dying = createServer((socket) =>
      socket.on('error', () => undefined).once('data', () => socket.end(greeting)),
    );
    dying.listen(0, '127.0.0.1');
    await once(dying, 'listening');
    const { port } = dying.address() as AddressInfo;
    const opening = openPostgresLogForReading({ url: `postgres://x@127.0.0.1:${port}/x`, patienceMs: 200 });
    await expect(opening).rejects.toMatchObject({ code: 'LL-LOG-008' });
    dying.close();
  });

  it('may be opened by two at once while it is empty', async () => {
    const [first, second] = [open(), open()];
    await (await Promise.race([first, second])).close();
    await Promise.all([first, second]);
  });
});
