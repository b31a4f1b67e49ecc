// A process that wants to own the log at argv[2], and says what it appended: `run.ts` starts many of them.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EventLog, type NewEvent, openLog } from '@ledgerlift/event-log';
import { Chance } from '@ledgerlift/testing';
import { type Said, TAKEN_OVER, type Told } from './judged.js';
import { LEASE_MS } from './script.js';

const [place = '', appenders = '1', seed = '1'] = process.argv.slice(2);
/** Few, so that appenders meet in them, and refuse each other. */
const STREAMS = 40;
const MOST_EVENTS = 4;
/** Between two appends of an appender: the database is not the only thing on this machine. */
const LONGEST_REST_MS = 100;

const writer = randomUUID();
const chance = new Chance(Number(seed));
const stop = new AbortController();
process.on('disconnect', () => process.exit(0));
process.on('message', (told: Told) => {
  if (told === 'stop') stop.abort();
});
const say = (said: Said): void => void process.send?.(said);

const log = await openLog(place, {
  leaseMs: LEASE_MS,
  signal: stop.signal,
  onWaiting: () => say({ kind: 'waiting' }),
  onLost: () => process.exit(TAKEN_OVER),
}).catch((error: unknown) => {
  if (stop.signal.aborted) process.exit(0);
  throw error;
});
const after = (await log.head()) ?? '0';
say({ kind: 'open' });
await Promise.all([follow(after), ...Array.from({ length: Number(appenders) }, () => appendOn())]);
await log.close();
process.exit(0);

/** The owner's own reader is woken in another way than those beside it. */
async function follow(from: string): Promise<void> {
  let last = Number(from);
  await log.subscribe({
    after: from,
    signal: stop.signal,
    onEvents: (events) => {
      for (const { position } of events) {
        if (Number(position) !== last + 1) say({ kind: 'hole', after: String(last), position });
        last = Number(position);
      }
    },
  });
}

async function appendOn(): Promise<void> {
  while (!stop.signal.aborted) {
    const stream = `s-${chance.below(STREAMS)}`;
    const head = await log.streamHead(stream).catch(() => undefined);
    const events = Array.from({ length: 1 + chance.below(MOST_EVENTS) }, () => newEvent());
    await append(log, stream, events, head?.revision ?? 'no-stream');
    await sleep(chance.below(LONGEST_REST_MS));
  }
}

/** Repeats the append until it is certain what became of it. */
async function append(
  to: EventLog,
  stream: string,
  events: readonly NewEvent[],
  expected: number | 'no-stream',
): Promise<void> {
  const ids = events.map(({ id }) => id);
  for (;;) {
    try {
      const result = await to.append(stream, events, expected);
      say({ kind: 'acknowledged', events: result.events.map(({ id, position }) => ({ id, position })) });
      return;
    } catch (error) {
      const { code } = error as { readonly code?: string };
      if (code === 'LL-LOG-006') continue;
      say({ kind: 'refused', ids, code: code ?? String(error) });
      return;
    }
  }
}

function newEvent(): NewEvent {
  return {
    id: randomUUID(),
    type: 'SomethingHappened',
    version: 1,
    time: '2026-11-23T12:00:00.000Z',
    data: { filler: 'x'.repeat(chance.below(600)) },
    correlationId: writer,
    causationId: 'log-runs',
    actor: { kind: 'system', name: 'log-runs', authenticatedBy: 'process' },
  };
}
