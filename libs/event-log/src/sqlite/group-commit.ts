import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Outcome } from '../append-queue.js';
import { Batch } from '../batch.js';
import { AppendFailed } from '../errors.js';
import type { PlacedAppend } from '../placed-append.js';
import type { AppendResult } from '../port.js';
import { eventOf, headOf } from '../rows.js';

interface Pending {
  readonly append: PlacedAppend;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

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
    let outcomes: readonly Outcome[];
    try {
      this.db.exec('BEGIN IMMEDIATE');
    } catch (error) {
      for (const pending of group) fail(pending, error);
      return;
    }
    try {
      outcomes = this.#append(group.map(({ append }) => append));
      this.db.exec('COMMIT');
    } catch (error) {
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      // One append may be the cause (too large for the disk, say), so each gets its own transaction and result.
      if (group.length > 1) for (const pending of group) this.#commit([pending]);
      else for (const pending of group) fail(pending, error);
      return;
    }
    for (const [index, { resolve, reject }] of group.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined || outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    }
  }

  #append(appends: readonly PlacedAppend[]): readonly Outcome[] {
    const batch = new Batch({
      head: (stream) => {
        const row = this.#head.get(stream);
        return row && headOf(row);
      },
      streamOf: (id) => {
        const row = this.#byId.get(id);
        return row && String(row['stream']);
      },
      there: ({ stream, events }) =>
        this.#range.all(stream, events.at(0)?.revision ?? 0, events.at(-1)?.revision ?? 0).map(eventOf),
    });
    for (const append of appends) batch.add(append);
    const positions = batch.written.map(({ stream, revision, id, hash, content }) =>
      String(this.#insert.run(stream, revision, id, hash, content).lastInsertRowid),
    );
    return batch.outcomes(positions);
  }
}

const fail = ({ append, reject }: Pending, error: unknown): void =>
  reject(new AppendFailed(append.stream, error));
