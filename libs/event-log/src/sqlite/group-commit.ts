import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { AppendFailed, EventIdReused, RevisionConflict } from '../errors.js';
import { GENESIS_HASH, linkHash } from '../stored-content.js';
import { type PlacedAppend, storedEvent } from '../placed-append.js';
import type { AppendResult, StoredEvent } from '../port.js';
import { eventOf, headOf } from '../rows.js';

interface Pending {
  readonly append: PlacedAppend;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Settles a caller's promise, once the transaction is on disk. */
type Answer = () => void;

/** The most events in one transaction, so that other work does not wait for long. */
const LARGEST_GROUP = 2000;

/** Commits all appends of the same event-loop iteration in one transaction, and so with one fsync. */
export class GroupCommit {
  readonly #insert: StatementSync;
  readonly #head: StatementSync;
  readonly #byId: StatementSync;
  readonly #range: StatementSync;
  #pending: Pending[] = [];
  #scheduled: NodeJS.Immediate | undefined;

  constructor(
    private readonly db: DatabaseSync,
    private readonly onCommitted: () => void,
  ) {
    this.#insert = db.prepare(
      'INSERT INTO events (stream, revision, id, hash, content) VALUES (?, ?, ?, ?, ?)',
    );
    this.#head = db.prepare(
      'SELECT stream, revision, hash, position FROM events WHERE stream = ? ORDER BY revision DESC LIMIT 1',
    );
    this.#byId = db.prepare('SELECT id, stream FROM events WHERE id = ?');
    this.#range = db.prepare(
      'SELECT * FROM events WHERE stream = ? AND revision BETWEEN ? AND ? ORDER BY revision',
    );
    // A forged revision may not fit into a number.
    for (const statement of [this.#head, this.#byId, this.#range]) statement.setReadBigInts(true);
  }

  add(append: PlacedAppend): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ append, resolve, reject });
      this.#schedule();
    });
  }

  /** Commits all pending appends. */
  flush(): void {
    clearImmediate(this.#scheduled);
    while (this.#pending.length > 0) this.#commitNext();
  }

  #schedule(): void {
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      this.#commitNext();
      if (this.#pending.length > 0) this.#schedule();
    });
  }

  #commitNext(): void {
    let [count, events] = [0, 0];
    for (const { append } of this.#pending) {
      if (count > 0 && events + append.events.length > LARGEST_GROUP) break;
      count += 1;
      events += append.events.length;
    }
    this.#commit(this.#pending.splice(0, count));
    this.onCommitted();
  }

  #commit(group: readonly Pending[]): void {
    let answers: readonly Answer[];
    try {
      this.db.exec('BEGIN IMMEDIATE');
    } catch (error) {
      for (const pending of group) fail(pending, error);
      return;
    }
    try {
      answers = group.map((pending) => this.#answer(pending));
      this.db.exec('COMMIT');
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      // One append may be the cause (too large for the disk, say), so each gets its own transaction and result.
      if (group.length > 1) for (const pending of group) this.#commit([pending]);
      else for (const pending of group) fail(pending, error);
      return;
    }
    for (const answer of answers) answer();
  }

  /** Checks before writing, so that a refused append leaves nothing in the shared transaction. */
  #answer({ append, resolve, reject }: Pending): Answer {
    const { stream, expected, events } = append;
    const used = this.#usedId(append);
    if (used !== undefined) {
      const first = this.#firstResult(append);
      return first === undefined
        ? () => reject(new EventIdReused(used.id, used.stream))
        : () => resolve({ outcome: 'was-there-already', events: first });
    }
    const row = this.#head.get(stream);
    const head = row && headOf(row);
    const actual = head?.revision ?? 'no-stream';
    if (actual !== expected) return () => reject(new RevisionConflict(stream, expected, actual));
    let previous = head?.hash ?? GENESIS_HASH;
    const stored = events.map(({ id, revision, content }) => {
      previous = linkHash(previous, content);
      const { lastInsertRowid } = this.#insert.run(stream, revision, id, previous, content);
      return storedEvent(content, String(lastInsertRowid), previous);
    });
    return () => resolve({ outcome: 'appended', events: stored });
  }

  #usedId({ events }: PlacedAppend): { readonly id: string; readonly stream: string } | undefined {
    for (const { id } of events) {
      const row = this.#byId.get(id);
      if (row !== undefined) return { id, stream: String(row['stream']) };
    }
    return undefined;
  }

  /** @returns the result of an earlier call of the same append, if any */
  #firstResult({ stream, events }: PlacedAppend): readonly StoredEvent[] | undefined {
    const [first, last] = [events.at(0)?.revision ?? 0, events.at(-1)?.revision ?? 0];
    const there = this.#range.all(stream, first, last);
    const isSame = there.length === events.length && there.every(({ id }, n) => id === events[n]?.id);
    return isSame ? there.map(eventOf) : undefined;
  }
}

const fail = ({ append, reject }: Pending, error: unknown): void =>
  reject(new AppendFailed(append.stream, error));
