import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { NatsConnection } from '@nats-io/nats-core';
import { streams } from '@ledgerlift/contracts';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { NatsCluster, NatsPeer, until } from '@ledgerlift/testing';
import { ensureConsumer, ensureStreams } from './ensure.js';
import { reportConsumer, stepRequestConsumer, streamSpecs } from './topology.js';

let nats: NatsPeer;
let nc: NatsConnection;

beforeEach(async () => {
  nats = await NatsPeer.start();
  nc = await nats.connect();
  await ensureStreams(nc);
});
afterEach(() => nats.stop());

describe('the streams', () => {
  const replicasOf = async (on: NatsConnection): Promise<readonly number[]> => {
    const jsm = await jetstreamManager(on);
    const infos = await Promise.all(streamSpecs.map(({ name }) => jsm.streams.info(name)));
    return infos.map(({ config }) => config.num_replicas);
  };

  it('are not kept on more servers than there are', async () => {
    await expect(ensureStreams(nc, { replicas: 3 })).rejects.toMatchObject({
      code: 'LL-BUS-016',
      message: expect.stringContaining('LEDGERLIFT_NATS_REPLICAS'),
    });
    const jsm = await jetstreamManager(nc);
    await jsm.streams.delete(streams.events.name);
    await expect(ensureStreams(nc, { replicas: 3 })).rejects.toMatchObject({ code: 'LL-BUS-016' });
    await ensureStreams(nc, { replicas: 1 });
    expect(await replicasOf(nc)).toEqual([1, 1, 1, 1]);
  });

  it('of a cluster are kept on as many servers as are asked for, with their consumers', async () => {
    await using cluster = await NatsCluster.start();
    const connection = await connect({ servers: cluster.url.split(',') });
    try {
      await ensureStreams(connection);
      expect(await replicasOf(connection)).toEqual([1, 1, 1, 1]);
      // Servers that have just met may still count as offline, and streams with new copies take no consumers yet. Whoever asks
      // tries again.
      await until('the copies', () =>
        ensureStreams(connection, { replicas: 3 }).then(
          () => true,
          () => false,
        ),
      );
      await ensureStreams(connection);
      expect(await replicasOf(connection)).toEqual([3, 3, 3, 3]);
      await until('a consumer', () =>
        ensureConsumer(connection, reportConsumer).then(
          () => true,
          () => false,
        ),
      );
      const consumer = await ensureConsumer(connection, reportConsumer);
      expect((await consumer.info()).cluster?.replicas).toHaveLength(2);
    } finally {
      await connection.close();
    }
  });
});

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
