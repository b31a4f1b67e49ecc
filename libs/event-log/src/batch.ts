import type { Outcome } from './append-queue.js';
import { EventIdReused, RevisionConflict } from './errors.js';
import { type PlacedAppend, type PlacedEvent, storedEvent } from './placed-append.js';
import type { AppendResult, StoredEvent, StreamHead } from './port.js';
import { GENESIS_HASH, linkHash } from './stored-content.js';

export type Head = Pick<StreamHead, 'revision' | 'hash'>;

/** What the log holds before a batch. */
export interface Known {
  readonly head: (stream: string) => Head | undefined;
  /** The stream that has an event with this id. */
  readonly streamOf: (id: string) => string | undefined;
  /** The log's events where an append would write; asked only if one of its ids is used. */
  readonly there: (append: PlacedAppend) => readonly StoredEvent[];
}

/** An event that a batch writes. */
export interface WrittenEvent extends PlacedEvent {
  readonly stream: string;
  readonly hash: string;
}

type Decision =
  | Error
  | {
      readonly outcome: AppendResult['outcome'];
      readonly there: readonly StoredEvent[];
      readonly here: readonly WrittenEvent[];
    };

/** Decides the appends of one transaction, before anything is written: a refused append leaves nothing in the shared transaction. */
export class Batch {
  readonly written: WrittenEvent[] = [];
  /** Heads of the written streams. */
  readonly heads = new Map<string, Head>();
  readonly #ids = new Map<string, string>();
  readonly #decisions: Decision[] = [];

  constructor(private readonly known: Known) {}

  add(append: PlacedAppend): void {
    this.#decisions.push(this.#decide(append));
  }

  /** @param positions those of the written events */
  outcomes(positions: readonly string[]): readonly Outcome[] {
    const stored = new Map(
      this.written.map((event, n) => [event, storedEvent(event.content, positions[n] ?? '', event.hash)]),
    );
    return this.#decisions.map((decision) => {
      if (decision instanceof Error) return decision;
      const here = decision.here.flatMap((event) => stored.get(event) ?? []);
      return { outcome: decision.outcome, events: [...decision.there, ...here] };
    });
  }

  #decide(append: PlacedAppend): Decision {
    const { stream, expected, events } = append;
    const used = events.find(({ id }) => this.#streamOf(id) !== undefined);
    if (used !== undefined)
      return this.#firstResult(append) ?? new EventIdReused(used.id, this.#streamOf(used.id) ?? '');
    const head = this.heads.get(stream) ?? this.known.head(stream);
    const actual = head?.revision ?? 'no-stream';
    if (actual !== expected) return new RevisionConflict(stream, expected, actual);
    let hash = head?.hash ?? GENESIS_HASH;
    const here = events.map((event): WrittenEvent => {
      hash = linkHash(hash, event.content);
      this.#ids.set(event.id, stream);
      this.heads.set(stream, { revision: event.revision, hash });
      return { ...event, stream, hash };
    });
    this.written.push(...here);
    return { outcome: 'appended', there: [], here };
  }

  #streamOf(id: string): string | undefined {
    return this.#ids.get(id) ?? this.known.streamOf(id);
  }

  /** @returns the result of an earlier call of the same append, if any */
  #firstResult(append: PlacedAppend): Decision | undefined {
    const { stream, events } = append;
    const ids = new Set(events.map(({ id }) => id));
    const here = this.written.filter((event) => event.stream === stream && ids.has(event.id));
    const there = this.known.there(append);
    const found = [...there, ...here];
    const isSame =
      found.length === events.length &&
      found.every(({ id, revision }, n) => id === events[n]?.id && revision === events[n]?.revision);
    return isSame ? { outcome: 'was-there-already', there, here } : undefined;
  }
}
