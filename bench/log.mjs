// The event log against plain node:sqlite on the same disk in the same run: nearly the same bytes and settings
// (WAL, synchronous=FULL), but without hashes, checks, port and promises. A ratio of 1 would mean that they are free.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openLog } from '@ledgerlift/event-log';
import { check, eventOf, EVENTS_PER_VM, evolve, GROUP, keepBest, placesOf, rate } from './log/events.mjs';

const ONE_BY_ONE = 1500;
const GROUPED = 60_000;
const ROUNDS = 3;

/** @param emit called with each row: rates in events a second, `ratio` = ours ÷ peer's, more is better */
export async function run(emit) {
  const folder = await mkdtemp(join(tmpdir(), 'ledgerlift-bench-log-'));
  try {
    const rates = {};
    // In turns, and the best of each, for the disk is not ours alone.
    for (let round = 0; round < ROUNDS; round += 1) {
      keepBest(rates, 'ours', await ours(join(folder, `ours-${round}.db`)));
      keepBest(rates, 'peer', peer(join(folder, `peer-${round}.db`)));
    }
    for (const name of ['append', 'append-grouped', 'read', 'rebuild']) {
      const [value, peerValue] = [rates.ours[name], rates.peer[name]];
      emit({
        name: `log.${name}`,
        value: Math.round(value),
        unit: 'events/s',
        peer: 'plain node:sqlite',
        peerValue: Math.round(peerValue),
        ratio: Number((value / peerValue).toFixed(2)),
      });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function ours(path) {
  const log = await openLog(path);
  const rates = {};
  rates.append = await rate(ONE_BY_ONE, async () => {
    for (let n = 0; n < ONE_BY_ONE; n += 1) await log.append(`one-${n}`, [eventOf(n)], 'no-stream');
  });
  rates['append-grouped'] = await rate(GROUPED, async () => {
    for (let from = 0; from < GROUPED; from += GROUP) {
      await Promise.all(
        placesOf(from, GROUPED).map(({ stream, revision, n }) =>
          log.append(stream, [eventOf(n)], revision === 0 ? 'no-stream' : revision - 1),
        ),
      );
    }
  });
  const total = ONE_BY_ONE + GROUPED;
  rates.read = await rate(total, async () => {
    let count = 0;
    for await (const event of log.readAll()) count += event.version;
    check(count, total);
  });
  rates.rebuild = await rate(total, async () => {
    const states = new Map();
    for await (const event of log.readAll()) evolve(states, event);
    check(states.size, ONE_BY_ONE + GROUPED / EVENTS_PER_VM);
  });
  await log.close();
  return rates;
}

function peer(path) {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE events (position INTEGER PRIMARY KEY, stream TEXT, revision INTEGER, content TEXT, UNIQUE (stream, revision))`);
  const insert = db.prepare('INSERT INTO events (stream, revision, content) VALUES (?, ?, ?)');
  const rates = {};
  rates.append = rateNow(ONE_BY_ONE, () => {
    for (let n = 0; n < ONE_BY_ONE; n += 1) insert.run(`one-${n}`, 0, JSON.stringify(eventOf(n)));
  });
  rates['append-grouped'] = rateNow(GROUPED, () => {
    for (let from = 0; from < GROUPED; from += GROUP) {
      db.exec('BEGIN');
      for (const { stream, revision, n } of placesOf(from, GROUPED))
        insert.run(stream, revision, JSON.stringify(eventOf(n)));
      db.exec('COMMIT');
    }
  });
  const all = db.prepare('SELECT * FROM events ORDER BY position');
  const total = ONE_BY_ONE + GROUPED;
  rates.read = rateNow(total, () => {
    let count = 0;
    for (const row of all.iterate()) count += JSON.parse(row.content).version;
    check(count, total);
  });
  rates.rebuild = rateNow(total, () => {
    const states = new Map();
    for (const row of all.iterate()) evolve(states, { ...row, ...JSON.parse(row.content) });
    check(states.size, ONE_BY_ONE + GROUPED / EVENTS_PER_VM);
  });
  db.close();
  return rates;
}

function rateNow(count, work) {
  const start = performance.now();
  work();
  return count / ((performance.now() - start) / 1000);
}
