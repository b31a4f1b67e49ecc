import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { StepRequestedData, WORKER_PROTOCOL, subjects } from '@ledgerlift/contracts';
import type { NatsConnection } from '@nats-io/nats-core';
import type { MessageHandler } from '@nestjs/microservices';
import {
  EventPublisher,
  JetStreamServer,
  type Received,
  ensureStreams,
  silentLogger,
  stepRequestConsumer,
} from '@ledgerlift/messaging';
import { NatsPeer, jobOf, until } from '@ledgerlift/testing';
import { FakePlanner } from './spec-peers/fake-planner.js';
import { disk, initialized, stepRequested } from './spec-peers/messages.js';
import type { Attempt, StepHandler } from './attempt.js';
import { StepRunner } from './step-runner.js';

let nats: NatsPeer;
let nc: NatsConnection;
let planner: FakePlanner;
let publisher: EventPublisher;
let closers: (() => Promise<void>)[];

interface WorkerPeer {
  readonly runner: StepRunner;
  readonly nc: NatsConnection;
  readonly unstoppable: string[];
  stop(): Promise<void>;
}

async function startWorker(name: string, handler: StepHandler, slots = 1): Promise<WorkerPeer> {
  const own = await nats.connect();
  const unstoppable: string[] = [];
  const runner = new StepRunner({
    nc: own,
    service: 'transfer',
    site: 'local',
    workerId: `transfer/${name}/1`,
    slots,
    handlers: { Initialize: handler },
    logger: silentLogger,
    onUnstoppable: (message) => unstoppable.push(message),
  });
  const server = new JetStreamServer({
    nc: own,
    consumers: {
      requests: { spec: stepRequestConsumer('transfer', 'local'), ready: (pulled) => runner.ready(pulled) },
    },
  });
  const onRequest: MessageHandler = async (received: Received<StepRequestedData>) =>
    (await runner.handle(received)) as never;
  server.addHandler('requests', onRequest, true, { schema: StepRequestedData });
  server.listen(() => undefined);
  const stop = async (): Promise<void> => {
    await Promise.all([server.close(), runner.shutdown(3000)]);
  };
  closers.push(stop);
  return { runner, nc: own, unstoppable, stop };
}

/** Ends when it is told to stop, as every handler must. */
const untilStopped: StepHandler = ({ signal }) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

const consumerInfo = async () => {
  const { jetstreamManager } = await import('@nats-io/jetstream');
  const jsm = await jetstreamManager(nc);
  return jsm.consumers.info('LEDGERLIFT_EVENTS', 'transfer-local');
};

beforeEach(async () => {
  closers = [];
  nats = await NatsPeer.start();
  nc = await nats.connect();
  await ensureStreams(nc);
  planner = new FakePlanner(nc);
  publisher = new EventPublisher({ nc, installation: 'spec' });
});

afterEach(async () => {
  for (const close of closers) await close();
  await planner.close();
  await nats.stop();
});

describe('a worker', () => {
  it('claims before it works, acks, reports, and ends when the report is in the log', async () => {
    const worker = await startWorker('a', async (attempt) => {
      expect(planner.claims).toHaveLength(1);
      expect(planner.claims[0]?.protocol).toBe(WORKER_PROTOCOL);
      await attempt.claim([disk('a.raw')]);
      // Only now may it be made: the log has it.
      expect(planner.reported('vm-m1-0')?.claimed).toEqual([disk('a.raw')]);
      return initialized;
    });
    await publisher.publish([stepRequested('vm-m1-0')]);
    await until('the outcome', () => planner.reported('vm-m1-0')?.outcome !== undefined);
    expect(planner.reported('vm-m1-0')).toMatchObject({
      ref: { stream: 'vm-m1-0', step: 'Initialize', attempt: 1, worker: 'transfer/a/1' },
      claimed: [disk('a.raw')],
      outcome: { kind: 'completed', result: initialized },
    });
    await until('the slot free', () => worker.runner.running.length === 0);
    expect(await consumerInfo()).toMatchObject({ num_ack_pending: 0, num_pending: 0 });
  });

  it('acks when it has claimed, not when it is done', async () => {
    await startWorker('a', untilStopped);
    await publisher.publish([stepRequested('vm-m1-0')]);
    await until('the claim', () => planner.started.size === 1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await consumerInfo()).num_ack_pending).toBe(0);
  });

  it('begins a request once that is delivered twice', async () => {
    let begun = 0;
    await startWorker(
      'a',
      async () => {
        begun += 1;
        return initialized;
      },
      4,
    );
    const event = stepRequested('vm-m1-0');
    await publisher.publish([event]);
    await publisher.republish(event, event);
    await until('the outcome', () => planner.reported('vm-m1-0')?.outcome !== undefined);
    await publisher.republish(event, event);
    await publisher.publish([stepRequested('vm-m1-1')]);
    await until('the next VM', () => planner.reported('vm-m1-1')?.outcome !== undefined);
    expect(begun).toBe(2);
  });

  it('leaves an attempt to the worker that claimed it', async () => {
    planner.started.set('vm-m1-0/1', {
      stream: 'vm-m1-0',
      step: 'Initialize',
      attempt: 1,
      worker: 'transfer/x/1',
    });
    const worker = await startWorker('a', () => Promise.reject(new Error('must not be begun')));
    await publisher.publish([stepRequested('vm-m1-0')]);
    await until('the claim', () => planner.claims.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(worker.runner.running).toEqual([]);
    expect(planner.reported('vm-m1-0')).toBeUndefined();
    expect((await consumerInfo()).num_ack_pending).toBe(0);
  });

  it('waits for a planner that is away, and then continues', async () => {
    await planner.close();
    await startWorker('a', async () => initialized);
    await publisher.publish([stepRequested('vm-m1-0')]);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    planner = new FakePlanner(nc);
    await until('the outcome', () => planner.reported('vm-m1-0')?.outcome !== undefined);
  });

  it('keeps its lease for as long as the handler runs', async () => {
    const worker = await startWorker('a', async ({ signal }) => {
      await new Promise((resolve) => setTimeout(resolve, planner.leaseMs * 3));
      expect(signal.aborted).toBe(false);
      return initialized;
    });
    await publisher.publish([stepRequested('vm-m1-0')]);
    await until('the outcome', () => planner.reported('vm-m1-0')?.outcome?.kind === 'completed');
    expect(worker.unstoppable).toEqual([]);
  });

  it('stops its I/O if it cannot renew its lease, and reports nothing more', async () => {
    const stopped = Promise.withResolvers<unknown>();
    const worker = await startWorker('a', async (attempt) => {
      await attempt.claim([disk('a.raw')]);
      planner.mute.add('lease');
      await new Promise((resolve) => attempt.signal.addEventListener('abort', resolve));
      stopped.resolve(attempt.signal.reason);
      await attempt.released([{ resource: disk('a.raw'), how: 'removed' }]);
      throw new Error('stopped');
    });
    await publisher.publish([stepRequested('vm-m1-0')]);
    // That this comes before the lease ends is a matter of timers: lease-keeper.spec.ts, in virtual time.
    expect(await stopped.promise).toMatchObject({ code: 'LL-STEP-LEASE-LOST' });
    await until('the slot free', () => worker.runner.running.length === 0);
    planner.mute.clear();
    await new Promise((resolve) => setTimeout(resolve, planner.leaseMs));
    expect(planner.reported('vm-m1-0')).toMatchObject({ number: 1, released: [] });
    expect(planner.reported('vm-m1-0')?.outcome).toBeUndefined();
  });

  it('reports a handler that keeps running after its lease ended', async () => {
    const hung = Promise.withResolvers<typeof initialized>();
    const worker = await startWorker('a', async () => {
      planner.mute.add('lease');
      return hung.promise;
    });
    await publisher.publish([stepRequested('vm-m1-0')]);
    await until('the alarm', () => worker.unstoppable.length === 1);
    hung.resolve(initialized);
  });

  it.each(['a lease answer', 'a stop message'])(
    'stops within a moment at %s, and reports that',
    async (way) => {
      await startWorker('a', untilStopped);
      await publisher.publish([stepRequested('vm-m1-0')]);
      await until('the claim', () => planner.started.size === 1);
      await new Promise((resolve) => setTimeout(resolve, 50));
      if (way === 'a lease answer') planner.stops.set('vm-m1-0', 'canceled by anna');
      else nc.publish(subjects.stop('vm-m1-0'), JSON.stringify({ reason: 'canceled by anna' }));
      await until('the outcome', () => planner.reported('vm-m1-0')?.outcome !== undefined);
      expect(planner.reported('vm-m1-0')?.outcome).toMatchObject({
        kind: 'stopped',
        reason: expect.stringContaining('canceled by anna'),
      });
    },
  );

  it('repeats its outcome until the log has it', async () => {
    planner.mute.add('report').add('reports');
    const worker = await startWorker('a', async () => initialized);
    await publisher.publish([stepRequested('vm-m1-0')]);
    await until('the claim', () => planner.started.size === 1);
    // Long enough that it is stored, since nobody answers.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(worker.runner.running).toHaveLength(1);
    planner.mute.clear();
    // NATS has this number already: it comes again only once its data are gone, as they may be.
    await nats.server.wipeAndRestart();
    await until('the streams', () => nc.info !== undefined);
    for (;;) {
      const made = await ensureStreams(nc).catch(() => undefined);
      if (made !== undefined) break;
    }
    await until('the outcome', () => planner.reported('vm-m1-0')?.outcome !== undefined);
    await until('the slot free', () => worker.runner.running.length === 0);
  });

  it('hands back its attempts when it is shut down', async () => {
    const worker = await startWorker('a', untilStopped);
    await publisher.publish([stepRequested('vm-m1-0'), stepRequested('vm-m1-1')]);
    await until('the claim', () => worker.runner.running.length === 1);
    const stopped = worker.stop();
    await until('the outcome', () => planner.reported('vm-m1-0')?.outcome !== undefined);
    expect(planner.reported('vm-m1-0')?.outcome).toMatchObject({
      error: { code: 'LL-STEP-SHUTDOWN', class: 'transient' },
    });
    await stopped;
    expect(planner.started.has('vm-m1-1/1')).toBe(false);
    await startWorker('b', async () => initialized);
    await until('the other VM', () => planner.reported('vm-m1-1')?.outcome?.kind === 'completed');
  });

  it('takes no more requests than it has slots, and leaves the rest to free workers', async () => {
    const begun: string[] = [];
    const slow =
      (name: string): StepHandler =>
      async (attempt: Attempt) => {
        begun.push(`${name} ${attempt.ref.stream}`);
        return untilStopped(attempt);
      };
    const a = await startWorker('a', slow('a'), 2);
    await publisher.publish([0, 1, 2, 3].map((n) => stepRequested(`vm-m1-${n}`)));
    await until('both slots taken', () => begun.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(a.runner.running).toHaveLength(2);
    const b = await startWorker('b', slow('b'), 2);
    await until('the rest taken', () => begun.length === 4);
    expect(b.runner.running).toHaveLength(2);
  });

  it('follows a change of the bandwidth limit while it runs', async () => {
    const limits: (number | undefined)[] = [];
    await startWorker('a', (attempt) => {
      attempt.onBandwidthLimit((limit) => limits.push(limit));
      return untilStopped(attempt);
    });
    await publisher.publish([stepRequested('vm-m1-0')]);
    await until('the claim', () => planner.started.size === 1);
    planner.bandwidthLimit = 1000;
    await until('the limit', () => limits.length === 1);
    planner.bandwidthLimit = undefined;
    await until('no limit', () => limits.length === 2);
    expect(limits).toEqual([1000, undefined]);
  });

  it('publishes progress at most once a second, the last of each second', async () => {
    const seen: string[] = [];
    nc.subscribe(subjects.allProgress, {
      callback: (_error, message) => {
        seen.push(message.json<{ message: string }>().message);
      },
    });
    await startWorker('a', async (attempt) => {
      for (let n = 1; n <= 50; n++)
        attempt.progress([{ name: 'd', done: n, total: 50, unit: 'steps' }], `step ${n}`);
      return initialized;
    });
    await publisher.publish([stepRequested('vm-m1-0')]);
    await until('the outcome', () => planner.reported('vm-m1-0')?.outcome !== undefined);
    await until('progress', () => seen.length === 2);
    expect(seen).toEqual(['step 1', 'step 50']);
  });

  it('reports an unexpected error as transient, without secrets', async () => {
    await startWorker('a', () => Promise.reject(new Error('boom nats://me:secret@host\n  at here')));
    await publisher.publish([stepRequested('vm-m1-0')]);
    await until('the outcome', () => planner.reported('vm-m1-0')?.outcome !== undefined);
    expect(planner.reported('vm-m1-0')?.outcome).toEqual({
      kind: 'failed',
      error: { code: 'LL-BUS-014', class: 'transient', message: 'unexpected: boom nats://…@host' },
    });
  });

  it('keeps working after a restart of NATS', async () => {
    const go = Promise.withResolvers<void>();
    await startWorker('a', async (attempt) => {
      planner.leaseMs = 5000;
      await go.promise;
      await attempt.claim([disk('a.raw')]);
      return initialized;
    });
    planner.leaseMs = 5000;
    await publisher.publish([stepRequested('vm-m1-0')]);
    await until('the claim', () => planner.started.size === 1);
    await nats.server.kill();
    await new Promise((resolve) => setTimeout(resolve, 500));
    await nats.server.restart();
    go.resolve();
    await until('the outcome', () => planner.reported('vm-m1-0')?.outcome?.kind === 'completed');
  });
});

describe('content too large for a message', () => {
  const large = 'x'.repeat(2 ** 20);

  it('fails an attempt whose job cannot be sent, with its code, and waits for an operator', async () => {
    planner.jobFor = ({ attempt }) => {
      const { record, ...rest } = jobOf('Initialize', { attempt });
      return { ...rest, record: { ...record, labels: { large } } };
    };
    let calls = 0;
    await startWorker('a', async () => {
      calls += 1;
      return initialized;
    });
    await publisher.publish([stepRequested('vm-m1-0')]);
    await until('the outcome', () => planner.reported('vm-m1-0')?.outcome !== undefined);
    expect(planner.reported('vm-m1-0')?.outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'LL-BUS-006', class: 'needs-operator' },
    });
    expect(calls).toBe(0);
  });

  it('fails an attempt whose report, or result, cannot be sent', async () => {
    const condition = { type: 'T', category: 'Warn', reason: 'R', message: large, items: [], durable: true };
    await startWorker('a', async (attempt) => {
      if (attempt.ref.stream === 'vm-m1-0') await attempt.raise({ ...condition, category: 'Warn' });
      return { ...initialized, fingerprint: large };
    });
    await publisher.publish([stepRequested('vm-m1-0'), stepRequested('vm-m1-1')]);
    for (const stream of ['vm-m1-0', 'vm-m1-1']) {
      await until('the outcome', () => planner.reported(stream)?.outcome !== undefined);
      expect(planner.reported(stream)).toMatchObject({
        conditions: [],
        outcome: { kind: 'failed', error: { code: 'LL-BUS-006', class: 'needs-operator' } },
      });
    }
  });
});
