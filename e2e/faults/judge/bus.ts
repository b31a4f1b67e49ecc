import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { StoredEvent } from '@ledgerlift/event-log';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { type Finding, found } from '../run/finding.js';

const PATIENCE_MS = 20_000;

interface BusEvent {
  readonly id?: string;
  readonly type?: string;
  readonly subject?: string;
  readonly revision?: number;
  readonly hash?: string;
  readonly data?: unknown;
}

/**
 * Every event of the log must come to the bus as it is in the log, and nothing else; nothing may be in DEAD.
 *
 * @param events of the log
 * @param readAgain for what the planner has appended since: it does so also where nobody asks for anything
 */
export async function judgeBus(
  natsUrl: string,
  events: readonly StoredEvent[],
  readAgain: () => Promise<readonly StoredEvent[]>,
): Promise<readonly Finding[]> {
  const nc = await connect({ servers: natsUrl.split(',') });
  try {
    for (const deadline = Date.now() + PATIENCE_MS; ; await delay(200)) {
      const onBus = await everythingOn(nc, 'LEDGERLIFT_EVENTS');
      const present = new Set(onBus.map(({ id }) => id));
      const missing = events.filter(({ id }) => !present.has(id));
      if (missing.length > 0 && Date.now() < deadline) continue;
      const known = new Set(events.map(({ id }) => id));
      const isAllKnown = onBus.every(({ id = '' }) => known.has(id));
      const byId = new Map((isAllKnown ? events : await readAgain()).map((event) => [event.id, event]));
      return [
        ...missing.map((event) => found('lost', `${event.type} of ${event.stream} never came to the bus`)),
        ...onBus.flatMap((seen) => differs(seen, byId.get(seen.id ?? ''))),
        ...(await everythingOn(nc, 'LEDGERLIFT_DEAD')).map((dead) =>
          found('lost', `a message could not be understood: ${JSON.stringify(dead).slice(0, 500)}`),
        ),
      ];
    }
  } finally {
    await nc.close();
  }
}

function differs(seen: BusEvent, logged: StoredEvent | undefined): readonly Finding[] {
  if (logged === undefined)
    return [found('lost', `${seen.type} ${seen.id} is on the bus and not in the log`)];
  const { type, version, stream, revision, hash, data } = logged;
  const same =
    seen.type === `io.ledgerlift.${type}.v${version}` &&
    seen.subject === stream &&
    seen.revision === revision &&
    seen.hash === hash &&
    isDeepStrictEqual(seen.data, data);
  return same ? [] : [found('lost', `${type} ${seen.id} is not the same on the bus and in the log`)];
}

async function everythingOn(
  nc: Awaited<ReturnType<typeof connect>>,
  stream: string,
): Promise<readonly BusEvent[]> {
  const manager = await jetstreamManager(nc);
  const info = await manager.streams.info(stream).catch(() => undefined);
  if (info === undefined || info.state.messages === 0) return [];
  const consumer = await jetstream(nc).consumers.get(stream);
  const messages = await consumer.consume();
  const seen: BusEvent[] = [];
  for await (const message of messages) {
    seen.push(message.json<BusEvent>());
    if (message.seq >= info.state.last_seq || message.info.pending === 0) break;
  }
  await consumer.delete().catch(() => false);
  return seen;
}
