import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { headers as headerNames, ScheduleLimits, streams } from '@ledgerlift/contracts';
import type { EventLog, NewEvent } from '@ledgerlift/event-log';
import { type LogUnderTest, newEvents, openTemporaryLog } from '@ledgerlift/event-log/contract';
import { EventPublisher } from '@ledgerlift/messaging';
import { NatsPeer, until } from '@ledgerlift/testing';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/nats-core';
import { LogEventWriter } from '../log/event-writer.js';
import { RunStates } from '../runs/run-states.js';
import { Relay } from './relay.js';

let nats: NatsPeer;
let nc: NatsConnection;
const logs: LogUnderTest[] = [];
const relays: Relay[] = [];
let warnings: string[] = [];

beforeEach(async () => {
  nats = await NatsPeer.start();
  nc = await nats.connect();
  warnings = [];
});
afterEach(async () => {
  for (const relay of relays.splice(0)) await relay.stop();
  for (const log of logs.splice(0)) await log.destroy();
  await nats.stop();
});

async function emptyLog(): Promise<EventLog> {
  const under = await openTemporaryLog();
  logs.push(under);
  return under.log;
}

function relaying(log: EventLog): Relay {
  const states = new RunStates(log, new LogEventWriter(log), ScheduleLimits.parse({ vms: 1 }));
  const warn = (context: object): void => void warnings.push(JSON.stringify(context));
  const relay = new Relay(log, nc, new EventPublisher({ nc, installation: 'spec' }), states, {
    unclaimedMs: 60_000,
    log: { info: () => undefined, warn },
  });
  relay.start();
  relays.push(relay);
  return relay;
}

/** Ids of the events on the bus, in its order. */
async function onBus(): Promise<readonly string[]> {
  const jsm = await jetstreamManager(nc);
  const info = await jsm.streams.info(streams.events.name).catch(() => undefined);
  const ids: string[] = [];
  for (let seq = Math.max(1, info?.state.first_seq ?? 1); seq <= (info?.state.last_seq ?? 0); seq += 1) {
    const message = await jsm.streams.getMessage(streams.events.name, { seq });
    if (message !== null) ids.push(message.json<{ id: string }>().id);
  }
  return ids;
}
const ids = (events: readonly NewEvent[]): readonly string[] => events.map(({ id }) => id);
const published = (events: readonly NewEvent[]): Promise<void> =>
  until('the events on the bus', async () => (await onBus()).join() === ids(events).join());

describe('the relay', () => {
  const [first, second] = [newEvents(2), newEvents(2)];

  it('goes on after the last event in a log that has it at another position', async () => {
    const log = await emptyLog();
    await log.append('vm-a-0', first, 'no-stream');
    const relay = relaying(log);
    await published(first);
    await relay.stop();
    const moved = await emptyLog();
    await moved.append('vm-before-0', newEvents(3), 'no-stream');
    await moved.append('vm-a-0', [...first, ...second], 'no-stream');
    relaying(moved);
    await published([...first, ...second]);
    expect(warnings).toEqual([]);
  });

  it('publishes nothing from a log that lacks the last event', async () => {
    const log = await emptyLog();
    await log.append('vm-a-0', [...first, ...second], 'no-stream');
    const relay = relaying(log);
    await published([...first, ...second]);
    await relay.stop();
    const older = await emptyLog();
    await older.append('vm-a-0', first, 'no-stream');
    await older.append('vm-a-0', newEvents(5), 1);
    relaying(older);
    await until('the warning', () => warnings.some((text) => text.includes('the event 3 of vm-a-0')));
    expect(await onBus()).toHaveLength(4);
  });

  it('goes on after the position that a message of an older version carries', async () => {
    const log = await emptyLog();
    const { events } = await log.append('vm-a-0', [...first, ...second], 'no-stream');
    const head = headers();
    head.set(headerNames.position, events[1]?.position ?? '');
    const jsm = await jetstreamManager(nc);
    await jsm.streams.add({ name: streams.events.name, subjects: [...streams.events.subjects] });
    const older = JSON.stringify({ id: 'older' });
    await jetstream(nc).publish('ledgerlift.events.vm.a-0.Older', older, { headers: head });
    relaying(log);
    await until('the events on the bus', async () => (await onBus()).length === 3);
    expect((await onBus()).slice(1)).toEqual(ids(second));
  });

  it('publishes everything again when NATS has lost it, although the connection lasts', async () => {
    const log = await emptyLog();
    await log.append('vm-a-0', first, 'no-stream');
    const relay = relaying(log);
    await published(first);
    await (await jetstreamManager(nc)).streams.delete(streams.events.name);
    await relay.lookForLosses();
    await published(first);
  });
});
