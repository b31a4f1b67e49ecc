import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { NatsConnection } from '@nats-io/nats-core';
import { NatsPeer } from '@ledgerlift/testing';
import { ensureConsumer, ensureStreams } from './ensure.js';
import { reportConsumer } from './topology.js';

let nats: NatsPeer;
let nc: NatsConnection;

beforeEach(async () => {
  nats = await NatsPeer.start();
  nc = await nats.connect();
  await ensureStreams(nc);
});
afterEach(() => nats.stop());

describe('a durable consumer', () => {
  it('that is there already is found', async () => {
    await ensureConsumer(nc, reportConsumer);
    const found = await ensureConsumer(nc, reportConsumer);
    expect((await found.info()).name).toBe(reportConsumer.durable);
  });

  it('that an earlier version made is brought to what this one wants', async () => {
    await ensureConsumer(nc, { ...reportConsumer, ackWaitMs: 30_000 });
    const found = await ensureConsumer(nc, reportConsumer);
    expect((await found.info()).config.ack_wait).toBe(reportConsumer.ackWaitMs * 1_000_000);
  });
});
