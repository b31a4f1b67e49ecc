import { AppendQueue, type Outcome } from '../append-queue.js';
import { Batch } from '../batch.js';
import { LogLostEvents, LogTakenOver } from '../errors.js';
import type { Lease } from '../lease.js';
import type { PlacedAppend } from '../placed-append.js';
import type { StoredEvent, StreamHead } from '../port.js';
import { eventOf, headOf } from '../rows.js';
import type { Database, Query } from './database.js';
import { EVENT_COLUMNS, rowOf } from './rows.js';

/** Channel of the notifications that the log has grown. */
export const CHANNEL = 'ledgerlift_events';

/**
 * Appends for one process, one transaction at a time.
 *
 * Positions have no gaps and never come late: each transaction takes them from the one row of `ledgerlift_log`, which stays locked
 * until it is committed and visible. A sequence would not do: of two concurrent transactions, the one with the later position may
 * be committed first, and a reader that goes on after it never sees the other.
 */
export class Appender extends AppendQueue {
  /** The last position that was acknowledged. */
  #last = 0n;

  constructor(
    private readonly database: Database,
    private readonly lease: Lease,
    onCommitted: () => void,
  ) {
    super({ commit: (group) => this.#commit(group), onCommitted });
  }

  async #commit(group: readonly PlacedAppend[]): Promise<readonly Outcome[]> {
    try {
      const { outcomes, last } = await this.database.transaction((query) => this.#append(query, group));
      this.#last = last;
      return outcomes;
    } catch (error) {
      if (error instanceof LogTakenOver) this.lease.lost();
      throw error;
    }
  }

  async #append(
    query: Query,
    group: readonly PlacedAppend[],
  ): Promise<{ readonly outcomes: readonly Outcome[]; readonly last: bigint }> {
    const [log] = await query('SELECT last FROM ledgerlift_log WHERE epoch = $1 FOR UPDATE', [
      this.lease.epoch,
    ]);
    if (log === undefined) throw new LogTakenOver();
    const last = BigInt(String(log['last']));
    if (last < this.#last) throw new LogLostEvents(String(this.#last), String(last));
    const batch = await loadBatch(query, group);
    for (const append of group) batch.add(append);
    const positions = batch.written.map((_, n) => String(last + BigInt(n) + 1n));
    await insert(query, batch, positions);
    return { outcomes: batch.outcomes(positions), last: BigInt(positions.at(-1) ?? last) };
  }
}

async function loadBatch(query: Query, appends: readonly PlacedAppend[]): Promise<Batch> {
  const streams = [...new Set(appends.map(({ stream }) => stream))];
  const rows = await query(
    `SELECT head.* FROM unnest($1::text[]) AS name, LATERAL (
       SELECT stream, revision, hash, position FROM ledgerlift_events WHERE stream = name ORDER BY revision DESC LIMIT 1
     ) AS head`,
    [streams],
  );
  const heads = new Map<string, StreamHead>(rows.map(headOf).map((head) => [head.stream, head]));
  const ids = appends.flatMap(({ events }) => events.map(({ id }) => id));
  const used = await query('SELECT id, stream FROM ledgerlift_events WHERE id = ANY($1)', [ids]);
  const streamsOf = new Map(used.map(({ id, stream }) => [String(id), String(stream)]));
  const there = new Map<PlacedAppend, readonly StoredEvent[]>();
  for (const append of appends.filter(({ events }) => events.some(({ id }) => streamsOf.has(id)))) {
    const [first, final] = [append.events.at(0)?.revision, append.events.at(-1)?.revision];
    const found = await query(
      `SELECT ${EVENT_COLUMNS} FROM ledgerlift_events WHERE stream = $1 AND revision BETWEEN $2 AND $3 ORDER BY revision`,
      [append.stream, first, final],
    );
    there.set(
      append,
      found.map((row) => eventOf(rowOf(row))),
    );
  }
  return new Batch({
    head: (stream) => heads.get(stream),
    streamOf: (id) => streamsOf.get(id),
    there: (append) => there.get(append) ?? [],
  });
}

async function insert(query: Query, { written }: Batch, positions: readonly string[]): Promise<void> {
  if (written.length === 0) return;
  await query(
    `INSERT INTO ledgerlift_events (${EVENT_COLUMNS})
     SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[])`,
    [
      positions,
      written.map(({ stream }) => stream),
      written.map(({ revision }) => revision),
      written.map(({ id }) => id),
      written.map(({ hash }) => hash),
      written.map(({ content }) => content),
    ],
  );
  await query('UPDATE ledgerlift_log SET last = $1', [positions.at(-1)]);
  await query(`NOTIFY ${CHANNEL}`);
}
