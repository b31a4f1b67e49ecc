import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CloudEvent, headers as headerNames, streams } from '@ledgerlift/contracts';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { NatsPeer, storedEvent } from '@ledgerlift/testing';
import { ensureStreams } from '../streams/ensure.js';
import { EventPublisher, lastPublished, type Published } from './publisher.js';

let nats: NatsPeer;
let nc: NatsConnection;
let publisher: EventPublisher;

/** What the last message says that says it. */
async function last(): Promise<Published | undefined> {
  for await (const { published } of lastPublished(nc)) return published;
  return undefined;
}
const named = ({ id, stream, revision }: ReturnType<typeof admitted> = admitted(0)) => ({
  id,
  stream,
  revision,
});

const admitted = (n: number) => storedEvent('VmMigrationAdmitted', { n });

beforeEach(async () => {
  nats = await NatsPeer.start();
  nc = await nats.connect();
  await ensureStreams(nc);
  publisher = new EventPublisher({ nc, installation: 'spec' });
});

afterEach(async () => {
  await nats.stop();
});

describe('the publisher', () => {
  const messages = async () => {
    const jsm = await jetstreamManager(nc);
    const { state } = await jsm.streams.info(streams.events.name);
    const found = [];
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = await jsm.streams.getMessage(streams.events.name, { seq });
      if (message !== null) found.push(message);
    }
    return found;
  };

  it('keeps the order, and ends with the position of the last event', async () => {
    const events = Array.from({ length: 600 }, (_, n) => admitted(n));
    expect(await publisher.publish(events)).toBe(events.at(-1));
    expect(await last()).toEqual(named(events.at(-1)));
    const found = await messages();
    expect(found.map((message) => message.json<{ id: string }>().id)).toEqual(events.map(({ id }) => id));
    // Never does a message say that something is published which might not be.
    for (const [index, message] of found.entries()) {
      const [id] = message.header.get(headerNames.published).split(' ');
      if (id !== '') expect(events.findIndex((event) => event.id === id)).toBeLessThanOrEqual(index);
    }
  });

  it('does not double what is published again, unless it is told to', async () => {
    const event = admitted(1);
    await publisher.publish([event]);
    await publisher.publish([event]);
    expect(await messages()).toHaveLength(1);
    const later = admitted(7);
    await publisher.republish(event, later);
    expect(await messages()).toHaveLength(2);
    expect(await last()).toEqual(named(later));
  });

  it('routes a request to the service and site that it names', async () => {
    await publisher.publish([
      storedEvent('StepRequested', { step: 'Initialize', attempt: 1, service: 'transfer', site: 'berlin' }),
    ]);
    expect((await messages())[0]?.subject).toBe('ledgerlift.events.vm.m1-0.StepRequested.transfer.berlin');
  });

  it('says where an event can be read that is too large for a message', async () => {
    const large = storedEvent('PlanCreated', { n: 'x'.repeat(nc.info?.max_payload ?? 0) });
    const after = admitted(2);
    expect(await publisher.publish([admitted(1), large, after])).toBe(after);
    const [, found] = await messages();
    const event = CloudEvent.parse(found?.json());
    expect(event).toMatchObject({
      id: large.id,
      dataref: `/api/v1/events/${large.stream}/${large.revision}`,
    });
    expect(event).not.toHaveProperty('data');
  });

  it('stops at what NATS does not take, and says up to where it came', async () => {
    await publisher.publish([admitted(1)]);
    const jsm = await jetstreamManager(nc);
    await jsm.streams.delete(streams.events.name);
    await expect(publisher.publish([admitted(3)])).rejects.toMatchObject({
      code: 'LL-BUS-005',
      failure: 'transient',
    });
  });

  describe('after a loss of events while the connection lasts', () => {
    const events = [1, 2, 3].map(admitted);
    /** As after the loss of all messages from this one on: a real server loses them only with a failed majority. */
    const loseFrom = async (kept: number) => {
      const jsm = await jetstreamManager(nc);
      await jsm.streams.delete(streams.events.name);
      await ensureStreams(nc);
      await new EventPublisher({ nc, installation: 'spec' }).publish(events.slice(0, kept));
    };

    it('notices a sequence number that is given again, and resumes before it', async () => {
      await publisher.publish(events);
      await loseFrom(1);
      await expect(publisher.publish([admitted(4)])).rejects.toMatchObject({
        code: 'LL-BUS-005',
        cause: { code: 'LL-BUS-017' },
      });
      expect(await Array.fromAsync(publisher.published())).toEqual([named(events[0])]);
      await publisher.publish(events.slice(1));
      expect(await publisher.hasLostEvents()).toBe(false);
    });

    it('notices it without a new event', async () => {
      await publisher.publish(events);
      expect(await publisher.hasLostEvents()).toBe(false);
      await loseFrom(2);
      expect(await publisher.hasLostEvents()).toBe(true);
      expect(await Array.fromAsync(publisher.published())).toEqual([events[1], events[0]].map(named));
      const jsm = await jetstreamManager(nc);
      await jsm.streams.delete(streams.events.name);
      expect(await publisher.hasLostEvents()).toBe(true);
    });
  });
});
