import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { auditVerify } from '../audit.js';
import { expectAppendsThrough } from '../contract/appends-through.js';
import { newEvent, newEvents } from '../contract/index.js';
import { ownerContract } from '../contract/owner-contract.js';
import {
  type KurrentServer,
  type KurrentServerOptions,
  REAL_KURRENT,
  startKurrent,
} from '../contract/kurrent-server.js';
import { forkOnSources } from '../contract/fork-on-sources.js';
import { Lease } from '../lease.js';
import { isDatabase, shownPlace } from '../open.js';
import type { EventLog } from '../port.js';
import { Appender } from './appender.js';
import { Feed } from './feed.js';
import { KurrentLog } from './kurrent-log.js';
import { LeaseStream } from './lease-stream.js';
import { type KurrentLogOptions, openKurrentLog, openKurrentLogForReading } from './open.js';
import { kurrentPlace } from './place.js';
import { Server } from './server.js';

/** No process here is silent for so long. */
const LEASE_MS = 60_000;
let server: KurrentServer;
let url: string;
let opened: EventLog[];
let others: KurrentServer[];
let children: ChildProcess[];
beforeAll(async () => {
  server = await startKurrent();
}, 60_000);
afterAll(() => server.stop());
beforeEach(() => {
  [opened, others, children] = [[], [], []];
  url = server.newUrl();
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(opened.map((log) => log.close()));
  await Promise.all(others.map((each) => each.stop()));
});

async function open(options: Partial<KurrentLogOptions> = {}): Promise<EventLog> {
  const log = await openKurrentLog({ url, leaseMs: LEASE_MS, ...options });
  opened.push(log);
  return log;
}
/** A server that only this test uses. */
async function startOther(options?: KurrentServerOptions): Promise<KurrentServer> {
  const other = await startKurrent(options);
  others.push(other);
  url = other.newUrl();
  return other;
}
const place = () => {
  const found = kurrentPlace(url);
  if (found === undefined) throw new Error(`${url} is no URL of KurrentDB`);
  return found;
};
/** Another process takes the log, as if the owner had been silent for its whole lease. */
async function takeOver(): Promise<void> {
  const intruder = new Server(place(), 10_000);
  const stream = place().epochStream;
  const record = { stream, type: 'LogTakenOver', data: JSON.stringify({ leaseMs: 0 }) };
  await intruder.append([record], [{ stream, last: (await intruder.last(stream))?.revision }]);
  await intruder.close();
}
const revisionsOf = async (log: EventLog, stream: string) =>
  (await Array.fromAsync(log.readStream(stream))).map(({ revision }) => revision);

describe('the owner of a log on KurrentDB', () => {
  ownerContract({ open, endLease: takeOver });

  it('that is stopped is replaced after its lease, and harms nothing when it wakes up', async () => {
    const child = forkOnSources(new URL('./appender.fixture.ts', import.meta.url), [url], 'pipe');
    children.push(child);
    let output = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text));
    await once(child, 'message');
    const closed = once(child, 'close');
    child.kill('SIGSTOP');
    const second = await open();
    const before = await Array.fromAsync(second.readAll());
    child.kill('SIGCONT');
    await closed;
    expect(output).toContain('LL-LOG-010');
    expect(await Array.fromAsync(second.readAll())).toEqual(before);
    await second.append('a', newEvents(1), 'no-stream');
    expect((await auditVerify(second)).findings).toEqual([]);
  });

  it('stops waiting when it is told to', async () => {
    await open();
    const reason = new Error('shut down');
    const stop = new AbortController();
    const waiting = open({ signal: stop.signal, onWaiting: () => stop.abort(reason) });
    await expect(waiting).rejects.toBe(reason);
  });

  it('goes on when somebody else wrote to its streams, and an audit finds it', async () => {
    const log = await open();
    await log.append('a', newEvents(1), 'no-stream');
    const intruder = new Server(place(), 10_000);
    await intruder.append([{ stream: `${place().prefix}a`, type: 'Forged', data: '{}' }], []);
    await intruder.close();
    await expect(log.append('a', newEvents(1), 0)).rejects.toMatchObject({ code: 'LL-LOG-001', actual: 1 });
    await log.append('b', newEvents(1), 'no-stream');
    expect((await auditVerify(log)).findings).not.toEqual([]);
    await expect(Array.fromAsync(log.readAll())).rejects.toMatchObject({ code: 'LL-LOG-009' });
  });

  it('appends at once to streams that differ only in the case of letters', async () => {
    const log = await open();
    const streams = ['vm', 'VM', 'Vm'];
    await Promise.all(streams.map((stream) => log.append(stream, newEvents(2), 'no-stream')));
    for (const stream of streams) expect(await revisionsOf(log, stream)).toEqual([0, 1]);
  });

  it('finds what it appended when the answer was lost', async () => {
    class Forgetful extends Server {
      loses = false;
      override async append(...request: Parameters<Server['append']>) {
        const answer = await super.append(...request);
        if (this.loses) throw Object.assign(new Error('the answer was lost'), { type: 'unavailable' });
        return answer;
      }
    }
    const forgetful = new Forgetful(place(), 0);
    const leases = new LeaseStream(forgetful);
    const nothing = () => undefined;
    const options = { leaseMs: LEASE_MS, onWaiting: nothing, onLost: nothing, signal: undefined };
    const lease = await Lease.take(leases, options);
    const appender = new Appender(forgetful, leases, lease, nothing);
    const log = new KurrentLog(forgetful, { appender, lease });
    opened.push(log);
    const events = newEvents(2);
    forgetful.loses = true;
    await expect(log.append('a', events, 'no-stream')).rejects.toMatchObject({ code: 'LL-LOG-006' });
    forgetful.loses = false;
    await log.append('b', newEvents(1), 'no-stream');
    const again = await log.append('a', events, 'no-stream');
    expect(again.outcome).toBe('was-there-already');
    expect(again.events).toEqual(await Array.fromAsync(log.readStream('a')));
    await log.append('a', newEvents(1), 1);
  });

  it('is told when an append is too large for the server, which takes the others', async () => {
    await startOther({ mostBytes: 100_000 });
    const log = await open();
    const data = 'x'.repeat(100_000);
    const [large, small] = await Promise.allSettled([
      log.append('large', [newEvent({ data })], 'no-stream'),
      log.append('small', newEvents(1), 'no-stream'),
    ]);
    expect(large).toMatchObject({
      status: 'rejected',
      reason: { code: 'LL-LOG-004', message: expect.stringContaining('MaxAppendSize') },
    });
    expect(small.status).toBe('fulfilled');
  });
});

// A server that is not the test's own cannot be killed.
if (REAL_KURRENT === undefined)
  describe('a server that is killed', () => {
    it('has every acknowledged append when it is back, and appends and readers go on', async () => {
      const restart = () => server.restart();
      await expectAppendsThrough(await open(), [restart, restart, restart]);
    }, 60_000);

    it('is read on from behind what others wrote, not from the last event', async () => {
      const [log, other] = [await open(), await open({ url: server.newUrl() })];
      const { events } = await log.append('a', newEvents(1), 'no-stream');
      await other.append('a', newEvents(40), 'no-stream');
      const begun: bigint[] = [];
      let checkpoint = 0n;
      class Recording extends Server {
        override subscription(...[after, onCheckpoint]: Parameters<Server['subscription']>) {
          begun.push(after === 'start' ? 0n : after.commit);
          return super.subscription(after, (at) => {
            checkpoint = at.commit;
            onCheckpoint(at);
          });
        }
      }
      const reader = new Recording(place(), 10_000);
      const feed = new Feed(reader, 0n);
      const next = async () => {
        for (;;) {
          const [event] = feed.take(1);
          if (event !== undefined) return event.id;
          await feed.sleep(AbortSignal.timeout(1000));
        }
      };
      expect(await next()).toBe(events[0]?.id);
      const first = BigInt(events[0]?.position ?? 0);
      while (checkpoint <= first) await sleep(20);
      await server.restart();
      while (begun.length < 2) await sleep(20);
      const [later] = (await log.append('a', newEvents(1), 0)).events;
      expect(await next()).toBe(later?.id);
      feed.stop();
      await reader.close();
      expect(begun[0]).toBe(0n);
      expect(begun.at(-1)).toBeGreaterThan(first);
    });

    it('that comes back without acknowledged events takes no more', async () => {
      const other = await startOther();
      const log = await open();
      await log.append('a', newEvents(3), 'no-stream');
      await other.kill();
      await other.loseData();
      await other.restart();
      await expect(log.append('a', newEvents(1), 2)).rejects.toMatchObject({ code: 'LL-LOG-011' });
      expect(await revisionsOf(log, 'a')).toEqual([]);
    });

    it('does not let the owner answer for the log, and fails appends and reads after the patience', async () => {
      const other = await startOther();
      const log = await open({ leaseMs: 600, patienceMs: 200 });
      expect(log.owns()).toBe(true);
      await other.kill();
      await expect(log.append('a', newEvents(1), 'no-stream')).rejects.toMatchObject({ code: 'LL-LOG-006' });
      await expect(log.head()).rejects.toMatchObject({ type: 'unavailable' });
      while (log.owns()) await sleep(20);
      await other.restart();
      while (!log.owns()) await sleep(20);
      await log.append('a', newEvents(1), 'no-stream');
    });
  });

describe('a server', () => {
  it('of a version that cannot check other streams is refused with the version that can', async () => {
    await startOther({ version: '25.1.0' });
    const refused = await open().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'LL-LOG-008', message: expect.stringContaining('26.1') });
  });

  it('without a log cannot be read', async () => {
    await expect(openKurrentLogForReading({ url })).rejects.toMatchObject({ code: 'LL-LOG-003' });
  });

  it('is used with TLS and a user, and names neither user nor password in an error', async () => {
    await startOther({ user: { name: 'planner', password: 'hunter2' } });
    await (await open()).append('a', newEvents(1), 'no-stream');
    const wrong = url.replace('hunter2', 'hunter3');
    for (const refused of [
      await openKurrentLog({ url: wrong }).catch((error: unknown) => error),
      await openKurrentLogForReading({ url: wrong }).catch((error: unknown) => error),
    ]) {
      expect(refused).toMatchObject({
        code: 'LL-LOG-008',
        message: expect.stringContaining(shownPlace(url)),
      });
      const { message, cause, stack } = refused as Error;
      expect(JSON.stringify([message, stack, String(cause), { ...(cause as object) }])).not.toMatch(
        /hunter|planner/,
      );
    }
  });

  it.each([
    ['is not there', 'kurrentdb://planner:hunter2@127.0.0.1:1/x?tls=false', '127.0.0.1:1/x'],
    ['has no host', 'kurrentdb://planner:hunter2', 'kurrentdb://user:password@host'],
    ['has another name', 'kurrentdb://planner:hunter2@127.0.0.1/a.b', 'named by letters'],
    ['has a setting unknown to the client', 'kurrentdb://planner:hunter2@127.0.0.1/a?colour=red', '"colour"'],
    ['names a file that is not there', 'kurrentdb://planner:hunter2@127.0.0.1?tlsCAFile=/x', 'a file'],
    ['has a password with a question mark', 'kurrentdb://planner:hunter2?=x@127.0.0.1/a', '%40'],
    ['has a password with a slash', 'kurrentdb://planner:hunter2/x@127.0.0.1:1/a?tls=false', '127.0.0.1:1/a'],
    ['uses the old scheme', 'esdb://planner:hunter2@127.0.0.1:1?tls=false', '127.0.0.1:1/ledgerlift'],
  ])('that %s is told so, without the password', async (_, wrong, told) => {
    expect(isDatabase(wrong)).toBe(true);
    const printed = ['warn', 'log', 'error'] as const;
    const spies = printed.map((name) => jest.spyOn(console, name).mockReturnValue(undefined));
    const refused = await openKurrentLog({ url: wrong, patienceMs: 100 }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'LL-LOG-008', message: expect.stringContaining(told) });
    const { message, stack, cause } = refused as Error;
    const said = [message, stack, String(cause), shownPlace(wrong), spies.map(({ mock }) => mock.calls)];
    for (const spy of spies) spy.mockRestore();
    expect(JSON.stringify(said)).not.toMatch(/planner:|hunter2/);
    expect(spies.flatMap(({ mock }) => mock.calls)).toEqual([]);
  });

  it('has several logs', async () => {
    const [one, two] = [await open(), await open({ url: server.newUrl() })];
    await one.append('a', newEvents(2), 'no-stream');
    await two.append('a', newEvents(1), 'no-stream');
    expect(await revisionsOf(one, 'a')).toEqual([0, 1]);
    expect(await revisionsOf(two, 'a')).toEqual([0]);
  });
});
