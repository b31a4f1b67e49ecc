import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { subjects } from '@ledgerlift/contracts';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { NatsPeer } from '@ledgerlift/testing';
import { Backlog, ensureConsumer, ensureStreams } from './ensure.js';
import { reportConsumer } from './topology.js';

let nats: NatsPeer;
let nc: NatsConnection;
let now = 0;

beforeEach(async () => {
  nats = await NatsPeer.start();
  nc = await nats.connect();
  await ensureStreams(nc);
  now = 0;
});
afterEach(() => nats.stop());

const report = () => jetstream(nc).publish(subjects.report('vm-1-0'), 'a report');
const backlog = () => new Backlog(nc, reportConsumer, () => now);

describe('the backlog of a consumer', () => {
  it('is taken where nothing waits', async () => {
    await ensureConsumer(nc, reportConsumer);
    expect(await backlog().isTaken()).toBe(true);
  });

  it('is taken once what waited is acked, whatever came meanwhile', async () => {
    const consumer = await ensureConsumer(nc, reportConsumer);
    await report();
    const waiting = backlog();
    expect(await waiting.isTaken()).toBe(false);
    await report();
    const message = await consumer.next();
    expect(await waiting.isTaken()).toBe(false);
    await message?.ackAck();
    expect(await waiting.isTaken()).toBe(true);
    waiting.restart();
    expect(await waiting.isTaken()).toBe(false);
  });

  it('does not wait forever for a message without an ack', async () => {
    const consumer = await ensureConsumer(nc, reportConsumer);
    await report();
    await consumer.next();
    const waiting = backlog();
    expect(await waiting.isTaken()).toBe(false);
    now = 2 * reportConsumer.ackWaitMs;
    expect(await waiting.isTaken()).toBe(true);
  });

  it('cannot be told while its consumer is missing', async () => {
    await expect(backlog().isTaken()).rejects.toThrow();
  });
});
