import { AppendFailed, EventIdReused, LogLostEvents, LogTakenOver, RevisionConflict } from '../errors.js';
import type { PlacedAppend } from '../placed-append.js';
import { storedEvent } from '../placed-append.js';
import type { AppendResult, StoredEvent, StreamHead } from '../port.js';
import { eventOf, headOf } from '../rows.js';
import { GENESIS_HASH, linkHash } from '../stored-content.js';
import type { Database, Query } from './database.js';
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
/** Channel of the notifications that the log has grown. */
export const CHANNEL = 'ledgerlift_events';

/**
 * Appends for one process, one transaction at a time. What comes while a transaction is under way shares the next one.
 *
 * Positions have no gaps and never come late: each transaction takes them from the one row of `ledgerlift_log`, which stays locked
 * until it is committed and visible. A sequence would not do: of two concurrent transactions, the one with the later position may
 * be committed first, and a reader that goes on after it never sees the other.
 */
export class Appender {
  #pending: Pending[] = [];
  #running: Promise<void> | undefined;
  /** The last position that was acknowledged. */
  #last = 0n;

  constructor(
    private readonly database: Database,
    private readonly lease: Lease,
    private readonly onCommitted: () => void,
  ) {}

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
      const { outcomes, last } = await this.database.transaction((query) => this.#append(query, group));
      this.#last = last;
      for (const [index, { resolve, reject }] of group.entries()) {
        const outcome = outcomes[index];
        if (outcome === undefined || outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      }
    } catch (error) {
      const isForAll = error instanceof LogTakenOver || error instanceof LogLostEvents;
      if (error instanceof LogTakenOver) this.lease.lost();
      // One append may be the cause, so each gets its own transaction and result.
      if (group.length > 1 && !isForAll) for (const pending of group) await this.#commit([pending]);
      else
        for (const { append, reject } of group)
          reject(isForAll ? error : new AppendFailed(append.stream, error));
    }
  }

  async #append(
    query: Query,
    group: readonly Pending[],
  ): Promise<{ readonly outcomes: readonly Outcome[]; readonly last: bigint }> {
    const [log] = await query('SELECT last FROM ledgerlift_log WHERE epoch = $1 FOR UPDATE', [
      this.lease.epoch,
    ]);
    if (log === undefined) throw new LogTakenOver();
    const last = BigInt(String(log['last']));
    if (last < this.#last) throw new LogLostEvents(String(this.#last), String(last));
    const batch = new Batch(last);
    await batch.load(query, group);
    const outcomes = group.map(({ append }) => batch.add(append));
    await batch.insert(query);
    return { outcomes, last: batch.last };
  }
}

/** The appends of one transaction. */
class Batch {
  readonly #heads = new Map<string, StreamHead>();
  /** Id of an event → its stream. */
  readonly #ids = new Map<string, string>();
  /** What the log holds where an append would write whose ids are used. */
  readonly #there = new Map<PlacedAppend, readonly StoredEvent[]>();
  readonly #written: { readonly event: StoredEvent; readonly content: string }[] = [];

  constructor(public last: bigint) {}

  async load(query: Query, group: readonly Pending[]): Promise<void> {
    const appends = group.map(({ append }) => append);
    const streams = [...new Set(appends.map(({ stream }) => stream))];
    const heads = await query(
      `SELECT head.* FROM unnest($1::text[]) AS name, LATERAL (
         SELECT stream, revision, hash, position FROM ledgerlift_events WHERE stream = name ORDER BY revision DESC LIMIT 1
       ) AS head`,
      [streams],
    );
    for (const row of heads) {
      const head = headOf(row);
      this.#heads.set(head.stream, head);
    }
    const ids = appends.flatMap(({ events }) => events.map(({ id }) => id));
    const used = await query('SELECT id, stream FROM ledgerlift_events WHERE id = ANY($1)', [ids]);
    for (const { id, stream } of used) this.#ids.set(String(id), String(stream));
    for (const append of appends.filter(({ events }) => events.some(({ id }) => this.#ids.has(id)))) {
      const [first, final] = [append.events.at(0)?.revision, append.events.at(-1)?.revision];
      const rows = await query(
        `SELECT ${EVENT_COLUMNS} FROM ledgerlift_events WHERE stream = $1 AND revision BETWEEN $2 AND $3 ORDER BY revision`,
        [append.stream, first, final],
      );
      this.#there.set(
        append,
        rows.map((row) => eventOf(rowOf(row))),
      );
    }
  }

  /** Checks before it writes, so that a refused append leaves nothing in the shared transaction. */
  add(append: PlacedAppend): Outcome {
    const { stream, expected, events } = append;
    const used = events.find(({ id }) => this.#ids.has(id));
    if (used !== undefined) {
      const first = this.#firstResult(append);
      return first === undefined
        ? new EventIdReused(used.id, this.#ids.get(used.id) ?? '')
        : { outcome: 'was-there-already', events: first };
    }
    const head = this.#heads.get(stream);
    const actual = head?.revision ?? 'no-stream';
    if (actual !== expected) return new RevisionConflict(stream, expected, actual);
    let hash = head?.hash ?? GENESIS_HASH;
    const stored = events.map(({ id, revision, content }) => {
      this.last += 1n;
      hash = linkHash(hash, content);
      this.#ids.set(id, stream);
      this.#heads.set(stream, { stream, revision, hash });
      const event = storedEvent(content, String(this.last), hash);
      this.#written.push({ event, content });
      return event;
    });
    return { outcome: 'appended', events: stored };
  }

  async insert(query: Query): Promise<void> {
    const written = this.#written;
    if (written.length === 0) return;
    await query(
      `INSERT INTO ledgerlift_events (${EVENT_COLUMNS})
       SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[])`,
      [
        written.map(({ event }) => event.position),
        written.map(({ event }) => event.stream),
        written.map(({ event }) => event.revision),
        written.map(({ event }) => event.id),
        written.map(({ event }) => event.hash),
        written.map(({ content }) => content),
      ],
    );
    await query('UPDATE ledgerlift_log SET last = $1', [String(this.last)]);
    await query(`NOTIFY ${CHANNEL}`);
  }

  /** @returns the result of an earlier call of the same append, if any */
  #firstResult(append: PlacedAppend): readonly StoredEvent[] | undefined {
    const { stream, events } = append;
    const ids = new Set(events.map(({ id }) => id));
    const here = this.#written
      .map(({ event }) => event)
      .filter((event) => event.stream === stream && ids.has(event.id));
    const there = [...(this.#there.get(append) ?? []), ...here];
    const isSame =
      there.length === events.length &&
      there.every(({ id, revision }, n) => id === events[n]?.id && revision === events[n]?.revision);
    return isSame ? there : undefined;
  }
}
