import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { NatsConnection } from '@nats-io/nats-core';
import { streams } from '@ledgerlift/contracts';
import { jetstreamManager } from '@nats-io/jetstream';
import { NatsPeer, until } from '@ledgerlift/testing';
import { ensureConsumer, ensureStreams } from './ensure.js';
import { reportConsumer, stepRequestConsumer } from './topology.js';

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

  it('of a pod has a name without dots, its own filter, and goes away after the pod', async () => {
    const found = await ensureConsumer(nc, stepRequestConsumer('transfer', 'local.vm-1'));
    const { name, config } = await found.info();
    expect(name).toBe('transfer-local_vm-1');
    expect(config.filter_subject).toBe('ledgerlift.events.vm.*.StepRequested.transfer.local.vm-1');
    expect(config.inactive_threshold).toBe(600_000_000_000);
    await ensureConsumer(nc, { ...stepRequestConsumer('transfer', 'local.vm-2'), inactiveMs: 100 });
    const names = async () => {
      const jsm = await jetstreamManager(nc);
      return (await jsm.consumers.list(streams.events.name).next()).map((each) => each.name);
    };
    await until('the other one gone', async () => !(await names()).includes('transfer-local_vm-2'));
    expect(await names()).toEqual(['transfer-local_vm-1']);
  });

  it('of a site stays', async () => {
    const found = await ensureConsumer(nc, stepRequestConsumer('transfer', 'local'));
    expect((await found.info()).config.inactive_threshold ?? 0).toBe(0);
  });

  it('that an earlier version made is brought to what this one wants', async () => {
    await ensureConsumer(nc, { ...reportConsumer, ackWaitMs: 30_000 });
    const found = await ensureConsumer(nc, reportConsumer);
    expect((await found.info()).config.ack_wait).toBe(reportConsumer.ackWaitMs * 1_000_000);
  });
});
