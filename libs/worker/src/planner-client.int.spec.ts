import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Progress, subjects } from '@ledgerlift/contracts';
import type { NatsConnection } from '@nats-io/nats-core';
import { maxPayload } from '@ledgerlift/messaging';
import { NatsPeer } from '@ledgerlift/testing';
import { PlannerClient } from './planner-client.js';

let nats: NatsPeer;
let nc: NatsConnection;
beforeEach(async () => {
  nats = await NatsPeer.start();
  nc = await nats.connect();
});
afterEach(() => nats.stop());

const ref = { stream: 'vm-m1-0', step: 'DiskTransfer', attempt: 1, worker: 'transfer/a/1' } as const;
const at = '2026-11-23T12:00:00.000Z';
const item = { name: 'disk-0', done: 1, total: 2, unit: 'bytes' } as const;

describe('progress', () => {
  async function heardOf(progress: Progress): Promise<Progress> {
    const listener = await nats.connect();
    const heard = listener.subscribe(subjects.allProgress, { max: 1 });
    await listener.flush();
    new PlannerClient(nc).progress(progress);
    for await (const message of heard) return Progress.parse(message.json());
    throw new Error('nothing was heard');
  }

  it('is sent whole if it fits into a message', async () => {
    const progress = { ref, items: [item], message: 'copying', at };
    expect(await heardOf(progress)).toEqual(progress);
  });

  it('that is too large is cut to the beginning of its text, and still names its attempt', async () => {
    const large = 'x'.repeat(maxPayload(nc));
    const heard = await heardOf({ ref, items: [item], message: large, at });
    expect(heard).toEqual({ ref, items: [], message: 'x'.repeat(1000), at });
    const many = Array.from({ length: 20_000 }, (_, n) => ({ ...item, name: `disk-${n}`.padEnd(60) }));
    expect(await heardOf({ ref, items: many, message: 'copying', at })).toMatchObject({ message: 'copying' });
  });
});
