import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LedgerliftError, streams, subjects } from '@ledgerlift/contracts';
import { NatsPeer, storedEvent, until } from '@ledgerlift/testing';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { MessageHandler } from '@nestjs/microservices';
import { z } from 'zod';
import type { BusLogger } from '../bus-logger.js';
import { toCloudEvent } from '../publish/cloud-event.js';
import { EventPublisher, lastPublished } from '../publish/publisher.js';
import { request } from '../rpc/requester.js';
import { ensureStreams } from '../streams/ensure.js';
import type { ConsumerSpec } from '../streams/topology.js';
import { listDeadLetters, replayDeadLetter } from './dead-letters.js';
import type { JetStreamContext, Received } from './event-dispatch.js';
import { type ConsumerBinding, JetStreamServer } from './jetstream.server.js';

let nats: NatsPeer;
let nc: NatsConnection;
let publisher: EventPublisher;
let servers: JetStreamServer[];
let warnings: string[];

const Admitted = z.object({ n: z.int() });
type Admitted = z.infer<typeof Admitted>;
const admitted = (n: unknown) => storedEvent('VmMigrationAdmitted', { n });

const consumer = (reads: ConsumerSpec['reads'] = { VmMigrationAdmitted: 1 }): ConsumerSpec => ({
  stream: streams.events.name,
  durable: 'spec',
  filter: `${subjects.event('vm-m1-0', 'VmMigrationAdmitted')}`,
  ...(reads === undefined ? {} : { reads }),
  ackWaitMs: 1000,
});

type OnEvent = (received: Received<Admitted>, context: JetStreamContext) => Promise<void>;

async function consume(
  onEvent: OnEvent,
  binding: ConsumerBinding = { spec: consumer() },
): Promise<JetStreamServer> {
  const note = (_fields: object, message: string): void => {
    warnings.push(message);
  };
  const logger: BusLogger = { debug: () => undefined, info: note, warn: note, error: note };
  const server = new JetStreamServer({ nc, consumers: { spec: binding }, logger });
  const handler: MessageHandler = async (payload: Received<Admitted>, context: JetStreamContext) =>
    (await onEvent(payload, context)) as never;
  server.addHandler('spec', handler, true, { schema: Admitted });
  server.listen((error) => {
    if (error !== undefined) throw new Error('it does not listen', { cause: error });
  });
  servers.push(server);
  return server;
}

const info = async () => (await jetstreamManager(nc)).consumers.info(streams.events.name, 'spec');
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function streamsAgain(): Promise<void> {
  for (;;) {
    const made = await ensureStreams(nc).catch(() => undefined);
    if (made !== undefined) return;
    await pause(50);
  }
}

beforeEach(async () => {
  servers = [];
  warnings = [];
  nats = await NatsPeer.start();
  nc = await nats.connect();
  await ensureStreams(nc);
  publisher = new EventPublisher({ nc, installation: 'spec' });
});

afterEach(async () => {
  for (const server of servers) await server.close();
  await nats.stop();
});

describe('the streams', () => {
  it('are made once, and found after that', async () => {
    expect(await ensureStreams(nc)).toEqual([]);
    const jsm = await jetstreamManager(nc);
    await jsm.streams.update(streams.events.name, { max_age: 1_000_000_000 * 3600 });
    expect(await ensureStreams(nc)).toEqual([]);
    const { config } = await jsm.streams.info(streams.events.name);
    expect(config).toMatchObject({
      max_age: 7 * 24 * 3600 * 1_000_000_000,
      retention: 'limits',
      storage: 'file',
    });
  });
});

describe('an event handler', () => {
  it('gets the parsed event, and the message is acked when it resolved', async () => {
    const gate = Promise.withResolvers<void>();
    const seen: Received<Admitted>[] = [];
    await consume(async (received) => {
      seen.push(received);
      await gate.promise;
    });
    const event = admitted(1);
    await publisher.publish([event]);
    await until('the event', () => seen.length === 1);
    expect(seen[0]?.event).toMatchObject({
      id: event.id,
      type: 'io.ledgerlift.VmMigrationAdmitted.v1',
      source: '/ledgerlift/spec/vm-m1-0',
    });
    expect(seen[0]?.data).toEqual({ n: 1 });
    // Longer than the ack wait: the handler is alive, and says so.
    await pause(2500);
    expect((await info()).num_ack_pending).toBe(1);
    expect(seen).toHaveLength(1);
    gate.resolve();
    await pause(100);
    expect((await info()).num_ack_pending).toBe(0);
  });

  it('gets a message again when it failed', async () => {
    const deliveries: number[] = [];
    await consume(async (_received, context) => {
      deliveries.push(context.deliveries);
      if (deliveries.length === 1) throw new Error('the database is away');
    });
    await publisher.publish([admitted(1)]);
    await until('the second delivery', () => deliveries.length === 2);
    expect(deliveries).toEqual([1, 2]);
  });

  it('handles as many at once as it may, and no more', async () => {
    let now = 0;
    let most = 0;
    let done = 0;
    await consume(
      async () => {
        most = Math.max(most, ++now);
        await pause(20);
        now -= 1;
        done += 1;
      },
      { spec: consumer(), concurrency: 4 },
    );
    await publisher.publish(Array.from({ length: 20 }, (_, n) => admitted(n)));
    await until('all', () => done === 20);
    expect(most).toBe(4);
  });

  it('ends what it has begun before the server is closed, and takes nothing more', async () => {
    let begun = 0;
    let ended = 0;
    const server = await consume(async () => {
      begun += 1;
      await pause(300);
      ended += 1;
    });
    await publisher.publish([admitted(1), admitted(2)]);
    await until('the first', () => begun === 1);
    await server.close();
    expect([begun, ended]).toEqual([1, 1]);
    expect((await info()).num_ack_pending).toBe(0);
    expect((await info()).num_pending).toBe(1);
  });
});

describe('a message that nobody can read', () => {
  it.each([
    ['bad JSON', 'LL-BUS-001', '{"'],
    ['another envelope', 'LL-BUS-002', JSON.stringify({ hello: 'world' })],
    ['bad data', 'LL-BUS-003', JSON.stringify(toCloudEvent(admitted('one'), 'spec'))],
  ])('goes to DEAD with the reason and the original: %s', async (_what, code, payload) => {
    const seen: number[] = [];
    await consume(async ({ data }) => {
      seen.push(data.n);
    });
    await jetstream(nc).publish(consumer().filter, payload);
    await publisher.publish([admitted(2)]);
    await until('the next message', () => seen.length === 1);
    const [dead, ...more] = await listDeadLetters(nc);
    expect(more).toEqual([]);
    expect(dead?.letter).toMatchObject({
      code,
      subject: consumer().filter,
      stream: streams.events.name,
      sequence: 1,
    });
    expect(Buffer.from(dead?.letter.original ?? '', 'base64').toString()).toBe(payload);
    await pause(1500);
    expect((await info()).num_ack_pending).toBe(0);
  });

  it('can be sent again once somebody understands it', async () => {
    const first = await consume(async () => undefined);
    await publisher.publish([admitted(1)]);
    await jetstream(nc).publish(consumer().filter, JSON.stringify(toCloudEvent(admitted('one'), 'spec')));
    await until('the death', () => warnings.some((text) => text.includes('DEAD')));
    await first.close();
    const [before] = await Array.fromAsync(lastPublished(nc));
    const seen: unknown[] = [];
    const server = new JetStreamServer({ nc, consumers: { spec: { spec: consumer() } } });
    const handler: MessageHandler = async ({ data }: Received<unknown>) => seen.push(data) as never;
    server.addHandler('spec', handler, true, { schema: z.object({ n: z.string() }) });
    server.listen(() => undefined);
    servers.push(server);
    const [dead] = await listDeadLetters(nc);
    await replayDeadLetter(nc, dead?.number ?? 0);
    await until('the replay', () => seen.length === 1);
    expect(seen).toEqual([{ n: 'one' }]);
    expect(await listDeadLetters(nc)).toEqual([]);
    // The relay still knows where it was, although the last message is not its own.
    const [after] = await Array.fromAsync(lastPublished(nc));
    expect(after).toEqual(before);
    await expect(replayDeadLetter(nc, dead?.number ?? 0)).rejects.toMatchObject({ code: 'LL-BUS-011' });
  });
});

describe('a message of a newer version', () => {
  it('is left to a newer worker and never goes to DEAD', async () => {
    const seen: number[] = [];
    const old = await consume(async ({ data }) => {
      seen.push(data.n);
    });
    const newer = storedEvent('VmMigrationAdmitted', { n: 2, more: 'than we know' }, { version: 2 });
    await publisher.publish([newer, admitted(1)]);
    await until('the one that it knows', () => seen.length === 1);
    expect(seen).toEqual([1]);
    expect(await listDeadLetters(nc)).toEqual([]);
    expect(await info()).toMatchObject({ num_ack_pending: 1 });
    expect(warnings).toContain('message left for a newer version of this service');
    await old.close();
  });
});

describe('NATS that goes and comes back', () => {
  it('with its data: every message is handled', async () => {
    const seen = new Set<number>();
    await consume(async ({ data }) => {
      seen.add(data.n);
    });
    await publisher.publish([admitted(1)]);
    await until('the first', () => seen.size === 1);
    await nats.server.kill();
    await pause(500);
    await nats.server.restart();
    await streamsAgain();
    await publisher.publish([admitted(2)]);
    await until('the second', () => seen.has(2));
  });

  it('without its data: the consumer is made again as soon as the streams are, without a crash or a busy loop', async () => {
    const seen = new Set<number>();
    await consume(async ({ data }) => {
      seen.add(data.n);
    });
    await publisher.publish([admitted(1)]);
    await until('the first', () => seen.size === 1);
    await nats.server.wipeAndRestart();
    await pause(2000);
    expect(warnings.length).toBeLessThan(12);
    await streamsAgain();
    expect(await Array.fromAsync(publisher.published())).toEqual([]);
    await publisher.publish([admitted(2)]);
    await until('the second', () => seen.has(2));
  });

  it('deletes a consumer: it is made again', async () => {
    const seen = new Set<number>();
    await consume(async ({ data }) => {
      seen.add(data.n);
    });
    await publisher.publish([admitted(1)]);
    await until('the first', () => seen.size === 1);
    await (await jetstreamManager(nc)).consumers.delete(streams.events.name, 'spec');
    await publisher.publish([admitted(2)]);
    await until('the second', () => seen.has(2));
  });
});

class Refused extends LedgerliftError {
  readonly code = 'LL-SPEC-001';
}

describe('a request', () => {
  const Ask = z.object({ n: z.int() });
  const Answer = z.object({ twice: z.int() });

  async function answer(
    handle: (body: { n: number }) => Promise<unknown>,
    answers?: () => boolean,
  ): Promise<JetStreamServer> {
    const server = new JetStreamServer({ nc, ...(answers === undefined ? {} : { answers }) });
    const handler: MessageHandler = async (body: { n: number }) => (await handle(body)) as never;
    server.addHandler('spec.ask', handler, false, { schema: Ask });
    server.listen(() => undefined);
    servers.push(server);
    // Lost when NATS is just coming back; then the subscription goes out with the reconnect.
    await nc.flush().catch(() => undefined);
    return server;
  }

  it('is answered', async () => {
    await answer(async ({ n }) => ({ twice: n * 2 }));
    expect(await request(nc, 'spec.ask', Answer, { n: 2 }, { timeoutMs: 1000 })).toEqual({ twice: 4 });
  });

  it('is left to another process by one that may not answer', async () => {
    await answer(
      async () => ({ twice: 0 }),
      () => false,
    );
    await answer(async ({ n }) => ({ twice: n * 2 }));
    for (let n = 0; n < 20; n += 1)
      expect(await request(nc, 'spec.ask', Answer, { n }, { timeoutMs: 1000 })).toEqual({ twice: n * 2 });
  });

  it('fails with the code and field of the error that was thrown', async () => {
    await answer(async () => {
      throw new Refused('no', { field: 'n' });
    });
    await expect(request(nc, 'spec.ask', Answer, { n: 2 }, { timeoutMs: 1000 })).rejects.toMatchObject({
      code: 'LL-SPEC-001',
      message: 'no',
      field: 'n',
    });
  });

  it('says nothing of an error that may hold a secret', async () => {
    await answer(async () => {
      throw new Error('password hunter2 is wrong');
    });
    const failed = request(nc, 'spec.ask', Answer, { n: 2 }, { timeoutMs: 1000 });
    await expect(failed).rejects.toMatchObject({
      code: 'LL-BUS-010',
      message: expect.not.stringContaining('hunter2'),
    });
  });

  it('names the field of a body that is not valid', async () => {
    await answer(async () => ({ twice: 0 }));
    await expect(request(nc, 'spec.ask', Answer, { n: 'two' }, { timeoutMs: 1000 })).rejects.toMatchObject({
      code: 'LL-BUS-009',
      field: 'n',
    });
  });

  it('is not believed when the answer is another than expected', async () => {
    await answer(async () => ({ thrice: 6 }));
    await expect(request(nc, 'spec.ask', Answer, { n: 2 }, { timeoutMs: 1000 })).rejects.toMatchObject({
      code: 'LL-BUS-008',
      field: 'twice',
    });
  });

  it('waits for somebody to answer, through a restart of NATS', async () => {
    await nats.server.kill();
    const asked = request(nc, 'spec.ask', Answer, { n: 2 }, { timeoutMs: 15_000, tryMs: 500 });
    await pause(600);
    await nats.server.restart();
    await answer(async ({ n }) => ({ twice: n * 2 }));
    expect(await asked).toEqual({ twice: 4 });
  });

  it('is given up at the deadline, and says what to look at', async () => {
    await expect(request(nc, 'spec.ask', Answer, { n: 2 }, { timeoutMs: 300 })).rejects.toMatchObject({
      code: 'LL-BUS-007',
      message: expect.stringContaining('see that the planner runs'),
    });
  });
});

describe('an answer that is too large for a message', () => {
  it('is an error for who asked, as is a request', async () => {
    const server = new JetStreamServer({ nc });
    const handler: MessageHandler = async () => 'x'.repeat(2 ** 20) as never;
    server.addHandler('spec.large', handler, false, { schema: z.unknown() });
    server.listen(() => undefined);
    servers.push(server);
    const options = { timeoutMs: 10_000 };
    await expect(request(nc, 'spec.large', z.string(), {}, options)).rejects.toMatchObject({
      code: 'LL-BUS-006',
      message: expect.stringContaining('the answer on spec.large has 1048578 bytes'),
    });
    await expect(request(nc, 'spec.large', z.string(), 'x'.repeat(2 ** 20), options)).rejects.toMatchObject({
      code: 'LL-BUS-006',
      message: expect.stringContaining('the request on spec.large'),
    });
  });
});
