import { AppendFailed, EventIdReused, LogLostEvents, LogTakenOver, RevisionConflict } from '../errors.js';
import type { PlacedAppend } from '../placed-append.js';
import { storedEvent } from '../placed-append.js';
import type { AppendResult, StoredEvent, StreamHead } from '../port.js';
import { eventOf, headOf } from '../rows.js';
import { GENESIS_HASH, linkHash } from '../stored-content.js';
import { type Database, isAway, isDuplicate, SYNCHRONOUS } from './database.js';
import type { Lease } from './lease.js';
import { EVENT_COLUMNS, rowOf } from './rows.js';

interface Pending {
  readonly append: PlacedAppend;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}
type Outcome = AppendResult | Error;

/** The most events in one transaction. */
const LARGEST_GROUP = 2000;
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
 * Appends for one process, one transaction at a time. What comes while a transaction is under way shares the next one.
 *
 * Positions have no gaps and never come late: each transaction takes them from the one row of `ledgerlift_log`, which stays locked
 * until it is committed and visible. A sequence would not do: of two concurrent transactions, the one with the later position may
 * be committed first, and a reader that goes on after it never sees the other.
 *
 * A transaction is one statement. A process that is stopped or cut off between two would keep the row locked, and nobody could
 * take over.
 */
export class Appender {
  #pending: Pending[] = [];
  #running: Promise<void> | undefined;
  /** The last position that was acknowledged. */
  #last = 0n;
  /** Heads of streams as of `#last`. Nobody else appends while this process owns the log, and `WRITE` makes sure. */
  readonly #heads = new Map<string, StreamHead>();

  constructor(
    private readonly database: Database,
    private readonly lease: Lease,
    private readonly onCommitted: () => void,
  ) {
    this.#last = lease.last;
  }

  add(append: PlacedAppend): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ append, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when everything that was added is answered. */
  async flush(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#pending.length > 0) {
      let [count, events] = [0, 0];
      for (const { append } of this.#pending) {
        if (count > 0 && events + append.events.length > LARGEST_GROUP) break;
        count += 1;
        events += append.events.length;
      }
      await this.#commit(this.#pending.splice(0, count));
      this.onCommitted();
    }
    this.#running = undefined;
  }

  async #commit(group: readonly Pending[]): Promise<void> {
    try {
      const appends = group.map(({ append }) => append);
      const outcomes = (await this.#appendAsKnown(appends)) ?? (await this.#append(appends));
      for (const [index, { resolve, reject }] of group.entries()) {
        const outcome = outcomes[index];
        if (outcome === undefined || outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      }
    } catch (error) {
      this.#heads.clear();
      const isForAll = error instanceof LogLostEvents || isAway(error);
      // One append may be the cause, so each gets its own transaction and result.
      if (group.length > 1 && !isForAll) for (const pending of group) await this.#commit([pending]);
      else
        for (const { append, reject } of group)
          reject(error instanceof LogLostEvents ? error : new AppendFailed(append.stream, error));
    }
  }

  /** Appends by what is remembered. @returns undefined if that may be wrong, or is not enough; then nothing is known */
  async #appendAsKnown(appends: readonly PlacedAppend[]): Promise<readonly Outcome[] | undefined> {
    const batch = new Batch(this.#last, this.#heads);
    const outcomes = appends.map((append) => batch.add(append));
    if (outcomes.some((outcome) => outcome instanceof Error)) return undefined;
    try {
      return (await this.#write(batch)) ? outcomes : undefined;
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
      const batch = new Batch(last, heads, used);
      const there = await this.#firstResults(appends, batch);
      if (epoch !== this.lease.epoch) {
        this.lease.lost();
        // What was written before the other took over is acknowledged: the other's first write came after it.
        return appends.map((append) => there.get(append) ?? new LogTakenOver());
      }
      if (last < this.#last) throw new LogLostEvents(String(this.#last));
      const outcomes = appends.map((append) => there.get(append) ?? batch.add(append));
      const isRefusal = (outcome: Outcome): boolean => outcome instanceof Error;
      // What was there already is written too, though it is nothing: the commit waits until all before it is safe on the replicas.
      if (outcomes.every(isRefusal) || (await this.#write(batch))) return outcomes;
    }
  }

  /** @returns false if nothing was written, because the log does not end where it is believed to, or has another owner */
  async #write(batch: Batch): Promise<boolean> {
    const { first, last, written } = batch;
    const rows = await this.database.write(WRITE, [
      this.lease.epoch,
      first,
      last,
      written.map(({ event }) => event.position),
      written.map(({ event }) => event.stream),
      written.map(({ event }) => event.revision),
      written.map(({ event }) => event.id),
      written.map(({ event }) => event.hash),
      written.map(({ content }) => content),
    ]);
    if (rows.length === 0) {
      this.#heads.clear();
      return false;
    }
    if (this.#heads.size > MOST_HEADS) this.#heads.clear();
    for (const [stream, head] of batch.newHeads) this.#heads.set(stream, head);
    this.#last = last;
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

  /** The results of earlier calls of the same appends. */
  async #firstResults(
    appends: readonly PlacedAppend[],
    batch: Batch,
  ): Promise<ReadonlyMap<PlacedAppend, AppendResult>> {
    const results = new Map<PlacedAppend, AppendResult>();
    for (const append of appends.filter((each) => batch.usesAgain(each))) {
      const rows = await this.database.query(
        `SELECT ${EVENT_COLUMNS} FROM ledgerlift_events WHERE stream = $1 AND revision BETWEEN $2 AND $3 ORDER BY revision`,
        [append.stream, append.events.at(0)?.revision, append.events.at(-1)?.revision],
      );
      const first = firstResult(
        append,
        rows.map((row) => eventOf(rowOf(row))),
      );
      if (first !== undefined) results.set(append, first);
    }
    return results;
  }
}

interface Found {
  readonly epoch: string;
  readonly last: bigint;
  readonly heads: Map<string, StreamHead>;
  /** Id of an event → its stream. */
  readonly used: Map<string, string>;
}

/** The appends of one transaction. */
class Batch {
  last: bigint;
  readonly newHeads = new Map<string, StreamHead>();
  readonly written: { readonly event: StoredEvent; readonly content: string }[] = [];
  readonly #ids = new Map<string, string>();

  /** @param used events of the log that have ids of these appends: their streams by their ids */
  constructor(
    readonly first: bigint,
    private readonly heads: ReadonlyMap<string, StreamHead>,
    private readonly used: ReadonlyMap<string, string> = new Map(),
  ) {
    this.last = first;
  }

  usesAgain({ events }: PlacedAppend): boolean {
    return events.some(({ id }) => this.used.has(id));
  }

  /** Checks before it writes, so that a refused append leaves nothing in the shared transaction. */
  add(append: PlacedAppend): Outcome {
    const { stream, expected, events } = append;
    for (const { id } of events) {
      const there = this.used.get(id) ?? this.#ids.get(id);
      if (there === undefined) continue;
      const here = this.written.map(({ event }) => event).filter((event) => this.#isOf(event, append));
      return firstResult(append, here) ?? new EventIdReused(id, there);
    }
    const head = this.newHeads.get(stream) ?? this.heads.get(stream);
    const actual = head?.revision ?? 'no-stream';
    if (actual !== expected) return new RevisionConflict(stream, expected, actual);
    let hash = head?.hash ?? GENESIS_HASH;
    const stored = events.map(({ id, revision, content }) => {
      this.last += 1n;
      hash = linkHash(hash, content);
      this.#ids.set(id, stream);
      this.newHeads.set(stream, { stream, revision, hash });
      const event = storedEvent(content, String(this.last), hash);
      this.written.push({ event, content });
      return event;
    });
    return { outcome: 'appended', events: stored };
  }

  #isOf({ stream, revision }: StoredEvent, append: PlacedAppend): boolean {
    const [first = 0, last = 0] = [append.events.at(0)?.revision, append.events.at(-1)?.revision];
    return stream === append.stream && revision >= first && revision <= last;
  }
}

/** @param there what the stream has at the revisions of the append */
function firstResult({ events }: PlacedAppend, there: readonly StoredEvent[]): AppendResult | undefined {
  const isSame = there.length === events.length && there.every(({ id }, n) => id === events[n]?.id);
  return isSame ? { outcome: 'was-there-already', events: there } : undefined;
}
