import { AppendQueue, type Outcome } from '../append-queue.js';
import { Batch, type Head } from '../batch.js';
import { LogLostEvents, LogTakenOver } from '../errors.js';
import type { Lease } from '../lease.js';
import type { PlacedAppend } from '../placed-append.js';
import type { StoredEvent } from '../port.js';
import { eventOf, headOf } from '../rows.js';
import { type Database, isAway, isDuplicate, SYNCHRONOUS } from './database.js';
import { EVENT_COLUMNS, rowOf } from './rows.js';

/** The most streams whose heads are remembered. */
const MOST_HEADS = 20_000;
/** Channel of the notifications that the log has grown. */
export const CHANNEL = 'ledgerlift_events';

/** Writes nothing unless the log ends where this process believes, and still belongs to it. */
const WRITE = `
  WITH log AS (
    UPDATE ledgerlift_log SET last = $3 WHERE epoch = $1 AND last = $2 RETURNING last
  ), written AS (
    INSERT INTO ledgerlift_events (${EVENT_COLUMNS})
    SELECT event.* FROM log, unnest($4::bigint[], $5::text[], $6::bigint[], $7::text[], $8::text[], $9::text[]) AS event
  )
  SELECT pg_notify('${CHANNEL}', ''), ${SYNCHRONOUS} FROM log`;

/**
 * Appends for one process, one transaction at a time.
 *
 * Positions have no gaps and never come late: each transaction takes them from the one row of `ledgerlift_log`, which stays locked
 * until it is committed and visible. A sequence would not do: of two concurrent transactions, the one with the later position may
 * be committed first, and a reader that goes on after it never sees the other.
 *
 * A transaction is one statement. A process that is stopped or cut off between two would keep the row locked, and nobody could
 * take over.
 */
export class Appender extends AppendQueue {
  /** Heads of streams as of `last`. Nobody else appends while this process owns the log, and `WRITE` makes sure. */
  readonly #heads = new Map<string, Head>();
  /** The last position that was acknowledged. */
  #last: bigint;

  /** @param last the last position when the lease was taken */
  constructor(
    private readonly database: Database,
    private readonly lease: Lease,
    last: bigint,
    onCommitted: () => void,
  ) {
    super({ commit: (group) => this.#commit(group), onCommitted, isAway });
    this.#last = last;
  }

  async #commit(appends: readonly PlacedAppend[]): Promise<readonly Outcome[]> {
    try {
      return (await this.#appendAsKnown(appends)) ?? (await this.#append(appends));
    } catch (error) {
      this.#heads.clear();
      throw error;
    }
  }

  /** Appends by what is remembered. @returns undefined if that may be wrong, or is not enough; then nothing is known */
  async #appendAsKnown(appends: readonly PlacedAppend[]): Promise<readonly Outcome[] | undefined> {
    const batch = new Batch({
      head: (stream) => this.#heads.get(stream),
      streamOf: () => undefined,
      there: () => [],
    });
    for (const append of appends) batch.add(append);
    const positions = positionsAfter(this.#last, batch);
    const outcomes = batch.outcomes(positions);
    if (outcomes.some(isRefusal)) return undefined;
    try {
      return (await this.#write(batch, this.#last, positions)) ? outcomes : undefined;
    } catch (error) {
      // A stream that was believed to be new is there, or an id was used.
      if (isDuplicate(error)) return undefined;
      throw error;
    }
  }

  /** Appends by what the log has. @throws LogLostEvents */
  async #append(appends: readonly PlacedAppend[]): Promise<readonly Outcome[]> {
    for (;;) {
      const { epoch, last, heads, used } = await this.#look(appends);
      const there = await this.#alreadyThere(appends, used);
      const known = {
        head: (stream: string) => heads.get(stream),
        streamOf: (id: string) => used.get(id),
        there: (append: PlacedAppend) => there.get(append) ?? [],
      };
      if (epoch !== this.lease.epoch) {
        this.lease.lost();
        // What was written before the other took over is acknowledged: the other's first write came after it.
        return appends.map((append) => {
          const alone = new Batch(known);
          alone.add(append);
          const [outcome] = alone.outcomes([]);
          return alone.written.length === 0 && outcome !== undefined && !isRefusal(outcome)
            ? outcome
            : new LogTakenOver();
        });
      }
      if (last < this.#last) throw new LogLostEvents({ position: String(this.#last) });
      const batch = new Batch(known);
      for (const append of appends) batch.add(append);
      const positions = positionsAfter(last, batch);
      const outcomes = batch.outcomes(positions);
      // What was there already is written too, though it is nothing: the commit waits until all before it is safe on the replicas.
      if (outcomes.every(isRefusal) || (await this.#write(batch, last, positions))) return outcomes;
    }
  }

  /** @returns false if nothing was written, because the log does not end at `last`, or has another owner */
  async #write({ written, heads }: Batch, last: bigint, positions: readonly string[]): Promise<boolean> {
    const end = BigInt(positions.at(-1) ?? last);
    const rows = await this.database.write(WRITE, [
      this.lease.epoch,
      last,
      end,
      positions,
      written.map(({ stream }) => stream),
      written.map(({ revision }) => revision),
      written.map(({ id }) => id),
      written.map(({ hash }) => hash),
      written.map(({ content }) => content),
    ]);
    if (rows.length === 0) {
      this.#heads.clear();
      return false;
    }
    if (this.#heads.size > MOST_HEADS) this.#heads.clear();
    for (const [stream, head] of heads) this.#heads.set(stream, head);
    this.#last = end;
    return true;
  }

  /** What the log has for these appends, at one moment. */
  async #look(appends: readonly PlacedAppend[]): Promise<Found> {
    const streams = [...new Set(appends.map(({ stream }) => stream))];
    const ids = appends.flatMap(({ events }) => events.map(({ id }) => id));
    const rows = await this.database.query(
      `SELECT epoch, last, NULL AS stream, NULL AS revision, NULL AS hash, NULL AS position, NULL AS id FROM ledgerlift_log
       UNION ALL
       SELECT NULL, NULL, head.*, NULL FROM unnest($1::text[]) AS name, LATERAL (
         SELECT stream, revision, hash, position FROM ledgerlift_events WHERE stream = name ORDER BY revision DESC LIMIT 1
       ) AS head
       UNION ALL
       SELECT NULL, NULL, stream, revision, hash, position, id FROM ledgerlift_events WHERE id = ANY($2)`,
      [streams, ids],
    );
    const found: Found = { epoch: '', last: 0n, heads: new Map(), used: new Map() };
    for (const row of rows) {
      if (row['epoch'] !== null)
        Object.assign(found, { epoch: String(row['epoch']), last: BigInt(String(row['last'])) });
      else if (row['id'] !== null) found.used.set(String(row['id']), String(row['stream']));
      else found.heads.set(String(row['stream']), headOf(row));
    }
    return found;
  }

  /** The log's events where appends with used ids would write. */
  async #alreadyThere(
    appends: readonly PlacedAppend[],
    used: ReadonlyMap<string, string>,
  ): Promise<ReadonlyMap<PlacedAppend, readonly StoredEvent[]>> {
    const there = new Map<PlacedAppend, readonly StoredEvent[]>();
    for (const append of appends.filter(({ events }) => events.some(({ id }) => used.has(id)))) {
      const rows = await this.database.query(
        `SELECT ${EVENT_COLUMNS} FROM ledgerlift_events WHERE stream = $1 AND revision BETWEEN $2 AND $3 ORDER BY revision`,
        [append.stream, append.events.at(0)?.revision, append.events.at(-1)?.revision],
      );
      there.set(
        append,
        rows.map((row) => eventOf(rowOf(row))),
      );
    }
    return there;
  }
}

interface Found {
  readonly epoch: string;
  readonly last: bigint;
  readonly heads: Map<string, Head>;
  /** Id of an event → its stream. */
  readonly used: Map<string, string>;
}

const positionsAfter = (last: bigint, { written }: Batch): readonly string[] =>
  written.map((_, n) => String(last + BigInt(n) + 1n));

const isRefusal = (outcome: Outcome): boolean => outcome instanceof Error;
