// Each engine of the event log against the same engine used directly, in the same run: the same table with the same indexes, the same
// bytes, and the same durability, but without hashes, checks, port and promises. A ratio of 1 would mean that they are free.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLog } from '@ledgerlift/event-log';
import { check, eventOf, EVENTS_PER_VM, evolve, GROUP, keepBest, placesOf, rate } from './log/events.mjs';
import { barePostgres } from './log/bare-postgres.mjs';
import { bareKurrent } from './log/bare-kurrent.mjs';
import { bareSqlite } from './log/bare-sqlite.mjs';
import { startKurrent, startPostgres } from '@ledgerlift/event-log/servers';

const ONE_BY_ONE = 1000;
const GROUPED = 30_000;
const DELIVERIES = 300;
const ROUNDS = 3;

// An engine: `place()` gives a fresh place of a log at each call, and `bare(place)` uses the engine itself at another fresh one. What needs
// a server that is not always there says so by its environment.
const engines = {
  async sqlite() {
    const folder = await mkdtemp(join(tmpdir(), 'ledgerlift-bench-engines-'));
    let made = 0;
    return {
      peer: 'node:sqlite',
      place: async () => join(folder, `${(made += 1)}.db`),
      bare: bareSqlite,
      stop: () => rm(folder, { recursive: true, force: true }),
    };
  },
  async postgres() {
    const server = await startPostgres();
    return {
      peer: 'pg',
      place: () => server.createDatabase(),
      bare: barePostgres,
      stop: () => server.stop(),
    };
  },
  // Against the stand-in, unless KURRENTDB_URL names a server: then the ratios say what the log adds, and the rates nothing.
  async kurrentdb() {
    const server = await startKurrent();
    return {
      peer: '@kurrent/kurrentdb-client',
      place: async () => server.newUrl(),
      bare: bareKurrent,
      stop: () => server.stop(),
    };
  },
};

/** @param emit called with each row: `ratio` is ours ÷ peer's of rates, and peer's ÷ ours of latencies, so more is better */
export async function run(emit) {
  for (const [name, start] of Object.entries(engines)) {
    const engine = await start();
    try {
      await measure(name, engine, emit);
    } finally {
      await engine.stop();
    }
  }
}

async function measure(name, engine, emit) {
  const rates = {};
  const latencies = {};
  // In turns, and the best of each, for the disk is not ours alone.
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [whose, open] of [
      ['ours', ours],
      ['peer', engine.bare],
    ]) {
      const subject = await open(await engine.place());
      keepBest(rates, whose, await ratesOf(subject));
      keepShortest(latencies, whose, await latenciesOf(subject));
      await subject.close();
    }
  }
  for (const [what, value] of Object.entries(rates.ours))
    emit(rowOf(`engines.${name}.${what}`, 'events/s', engine.peer, value, rates.peer[what], 0));
  for (const [what, value] of Object.entries(latencies.ours))
    emit(rowOf(`engines.${name}.subscription.${what}`, 'ms', engine.peer, value, latencies.peer[what], 2));
}

function rowOf(name, unit, peer, value, peerValue, digits) {
  const ratio = unit === 'ms' ? peerValue / value : value / peerValue;
  const rounded = (number, to) => Number(number.toFixed(to));
  return {
    ...{ name, value: rounded(value, digits), unit },
    ...{ peer, peerValue: rounded(peerValue, digits), ratio: rounded(ratio, 2) },
  };
}

/** The log as the planner uses it. A subject has `append`, `appendGroup`, `readAll`, `follow` and `close`. */
async function ours(place) {
  const log = await openLog(place);
  const append = ({ stream, revision, n }) =>
    log.append(stream, [eventOf(n)], revision === 0 ? 'no-stream' : revision - 1);
  return {
    append,
    appendGroup: (places) => Promise.all(places.map(append)),
    readAll: () => log.readAll(),
    follow: (signal, onEvents, onCaughtUp) => log.subscribe({ signal, onEvents, onCaughtUp }),
    close: () => log.close(),
  };
}

async function ratesOf({ append, appendGroup, readAll }) {
  const rates = {};
  rates.append = await rate(ONE_BY_ONE, async () => {
    for (let n = 0; n < ONE_BY_ONE; n += 1) await append({ stream: `one-${n}`, revision: 0, n });
  });
  rates['append-grouped'] = await rate(GROUPED, async () => {
    for (let from = 0; from < GROUPED; from += GROUP) await appendGroup(placesOf(from, GROUPED));
  });
  const total = ONE_BY_ONE + GROUPED;
  rates.read = await rate(total, async () => {
    let count = 0;
    for await (const event of readAll()) count += event.version;
    check(count, total);
  });
  rates.rebuild = await rate(total, async () => {
    const states = new Map();
    for await (const event of readAll()) evolve(states, event);
    check(states.size, ONE_BY_ONE + GROUPED / EVENTS_PER_VM);
  });
  return rates;
}

/** From the call of an append to the delivery of its event, one at a time. */
async function latenciesOf({ append, follow }) {
  const stop = new AbortController();
  const caughtUp = Promise.withResolvers();
  let delivered = Promise.withResolvers();
  const following = follow(
    stop.signal,
    (events) => {
      if (events.at(-1).stream.startsWith('seen-')) delivered.resolve(performance.now());
    },
    () => caughtUp.resolve(),
  );
  await caughtUp.promise;
  const times = [];
  for (let n = 0; n < DELIVERIES; n += 1) {
    delivered = Promise.withResolvers();
    const began = performance.now();
    const [at] = await Promise.all([delivered.promise, append({ stream: `seen-${n}`, revision: 0, n })]);
    times.push(at - began);
  }
  stop.abort();
  await following;
  times.sort((a, b) => a - b);
  return { p50: times[Math.floor(0.5 * DELIVERIES)], p99: times[Math.floor(0.99 * DELIVERIES)] };
}

function keepShortest(latencies, whose, measured) {
  latencies[whose] ??= {};
  for (const [name, value] of Object.entries(measured))
    latencies[whose][name] = Math.min(latencies[whose][name] ?? Infinity, value);
}
