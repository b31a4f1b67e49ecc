import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { expectAppendsThrough } from '../contract/appends-through.js';
import { newEvents } from '../contract/index.js';
import { startPostgres, type PostgresServer } from '../contract/postgres-server.js';
import type { EventLog } from '../port.js';
import { openPostgresLog, openPostgresLogForReading } from './open.js';

/** An address that moves from one server to another, as a virtual one does. */
class Address {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => {
    const server = connect(this.#port, '127.0.0.1');
    for (const [from, to] of [[client, server] as const, [server, client] as const]) {
      this.#sockets.add(from);
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  #port = 0;

  async open(port: number): Promise<void> {
    this.#port = port;
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }
  moveTo(port: number): void {
    this.#port = port;
    for (const socket of this.#sockets) socket.destroy();
  }
  close(): void {
    this.moveTo(0);
    this.#server.close();
  }
  of(url: string): string {
    const { pathname } = new URL(url);
    return `postgres://ledgerlift@127.0.0.1:${(this.#server.address() as AddressInfo).port}${pathname}`;
  }
}

let primary: PostgresServer;
let replica: PostgresServer;
let address: Address;
let url: string;
let opened: EventLog[];
beforeEach(async () => {
  opened = [];
  primary = await startPostgres();
  address = new Address();
  await address.open(primary.port);
  url = address.of(await primary.createDatabase());
  replica = await primary.replicate();
}, 60_000);
afterEach(async () => {
  await Promise.all(opened.map((log) => log.close()));
  address.close();
  await Promise.all([primary.stop(), replica.stop()]);
});

async function keep(opening: Promise<EventLog>): Promise<EventLog> {
  const log = await opening;
  opened.push(log);
  return log;
}
const open = (leaseMs = 60_000, at = url) => keep(openPostgresLog({ url: at, leaseMs }));
const waitForReplica = () =>
  primary.admin(`ALTER SYSTEM SET synchronous_standby_names = 'replica'`, 'SELECT pg_reload_conf()');
/** From now on the replica gets nothing. */
async function cutReplicaOff(): Promise<void> {
  await replica.admin(`ALTER SYSTEM SET primary_conninfo = ''`, 'SELECT pg_reload_conf()');
  while ((await primary.admin('SELECT FROM pg_stat_replication')).length > 0) await sleep(20);
}
async function promote(): Promise<void> {
  await replica.admin('SELECT pg_promote()');
  address.moveTo(replica.port);
}
/** Whether the replica has all that the primary has. */
const replicaHasAll = async () => {
  const [lsn] = await primary.admin('SELECT pg_current_wal_lsn() AS at');
  for (;;) {
    const [got] = await replica.admin(`SELECT pg_last_wal_replay_lsn() >= '${String(lsn?.['at'])}' AS all`);
    if (got?.['all'] === true) return;
    await sleep(20);
  }
};

describe('a failover to a replica', () => {
  it('that is synchronous loses nothing that was acknowledged, and appends and readers go on', async () => {
    await waitForReplica();
    const failOver = async () => {
      await primary.kill();
      await promote();
    };
    await expectAppendsThrough(await open(), [failOver]);
  });

  it('that lacks events is noticed by all that knew them: owner, reader, waiting process, and a position kept elsewhere', async () => {
    const owner = await open();
    await owner.append('a', newEvents(2), 'no-stream');
    await replicaHasAll();
    await cutReplicaOff();
    const { events } = await owner.append('a', newEvents(3), 1);
    const reader = await keep(openPostgresLogForReading({ url }));
    const following = reader.subscribe({
      onEvents: () => undefined,
      onCaughtUp: () => caughtUp.resolve(),
      signal: AbortSignal.timeout(100_000),
    });
    const caughtUp = Promise.withResolvers<void>();
    const waits = Promise.withResolvers<void>();
    const waiting = openPostgresLog({ url, onWaiting: () => waits.resolve() });
    await Promise.all([caughtUp.promise, waits.promise]);
    const known = Promise.allSettled([following, waiting]);
    await primary.kill();
    await promote();
    const lost = { code: 'LL-LOG-011' };
    expect(await known).toMatchObject([{ reason: lost }, { reason: lost }]);
    await expect(owner.append('a', newEvents(1), 4)).rejects.toMatchObject(lost);
    const after = events.at(-1)?.position ?? '';
    await expect(Array.fromAsync(reader.readAll({ after }))).rejects.toMatchObject(lost);
  });

  it('that lacks the last change of owners does not leave two', async () => {
    await replicaHasAll();
    await (await open()).close();
    await replicaHasAll();
    await cutReplicaOff();
    const old = await open();
    await primary.kill();
    await promote();
    const next = await open(60_000, address.of(url));
    await next.append('a', newEvents(1), 'no-stream');
    await expect(old.append('b', newEvents(1), 'no-stream')).rejects.toMatchObject({ code: 'LL-LOG-010' });
    expect([old.owns(), next.owns()]).toEqual([false, true]);
  });

  it('is awaited by each acknowledgement, even if somebody cancels the wait', async () => {
    await waitForReplica();
    const log = await open();
    await cutReplicaOff();
    let isAcknowledged = false;
    const events = newEvents(1);
    const appending = log.append('a', events, 'no-stream').then(() => (isAcknowledged = true));
    for (let canceled = 0; canceled < 5 && !isAcknowledged;) {
      const rows = await primary.admin(
        `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`,
      );
      canceled += rows.length;
      await sleep(20);
    }
    expect(isAcknowledged).toBe(false);
    await primary.admin(`ALTER SYSTEM SET synchronous_standby_names = ''`, 'SELECT pg_reload_conf()');
    await appending;
    expect((await Array.fromAsync(log.readAll())).map(({ id }) => id)).toEqual(events.map(({ id }) => id));
  });
});
