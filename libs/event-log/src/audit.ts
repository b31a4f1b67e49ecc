import { z } from 'zod';
import {
  chainHash,
  GENESIS_HASH,
  linkHashOfBytes,
  readContent,
  revisionNumber,
  wrongColumns,
} from './stored-content.js';
import type { Column, EventLog, StoredEvent, StoredRecord, StreamHead } from './port.js';

/**
 * A problem that an audit found. The chain shows that it is broken, and where, but not how: a changed event, an inserted one
 * and renumbered successors look alike.
 */
export type Finding =
  /** The event, its hash, or the previous hash differs from what was appended. */
  | { readonly kind: 'changed'; readonly stream: string; readonly revision: number; readonly eventId: string }
  /** The record is not an event at all. */
  | { readonly kind: 'unreadable'; readonly stream: string; readonly revision: number }
  /** The stored bytes are an event, but not in canonical form, so readers may interpret them differently. */
  | { readonly kind: 'not-canonical'; readonly stream: string; readonly revision: number }
  /** A column contradicts the content, or has a value that the engine cannot have written. */
  | {
      readonly kind: 'wrong-columns';
      readonly stream: string;
      /** As stored; possibly not a valid revision. */
      readonly revision: string;
      readonly position: string;
      readonly columns: readonly Column[];
    }
  /** Events `from` to `to` are missing. */
  | { readonly kind: 'dropped'; readonly stream: string; readonly from: number; readonly to: number }
  /** An event is out of order, or appears twice. */
  | {
      readonly kind: 'out-of-order';
      readonly stream: string;
      readonly revision: number;
      readonly expected: number;
    }
  /** The stream once ended at `anchored` or later, and now ends at `found`. */
  | { readonly kind: 'cut-tail'; readonly stream: string; readonly anchored: number; readonly found: number }
  | { readonly kind: 'missing-stream'; readonly stream: string; readonly anchored: number }
  /** The history differs from the anchored one, though its chain may be intact. */
  | { readonly kind: 'not-as-anchored'; readonly stream: string; readonly revision: number };

export interface Audit {
  readonly events: number;
  readonly streams: number;
  /** Empty when nothing is wrong. */
  readonly findings: readonly Finding[];
}

/** Stream heads kept outside the log, in a file. */
export const anchorsSchema = z.array(
  z.object({
    stream: z.string().min(1),
    revision: z.int().min(0),
    hash: z.string().regex(/^[0-9a-f]{64}$/),
  }),
);

/**
 * Checks every stored record: its bytes are the canonical form of an event, its columns match the bytes, and the hash over the
 * stored bytes continues its stream's chain. This finds changed, dropped, inserted and reordered events. Cut tails, missing
 * streams, and histories rewritten with all their hashes are found only against heads that were anchored outside earlier. A
 * whole inserted stream cannot be distinguished from an appended one.
 */
export async function auditVerify(log: EventLog, anchors: readonly StreamHead[] = []): Promise<Audit> {
  const checks = new Map<string, StreamCheck>();
  const anchored = Map.groupBy(anchors, ({ stream }) => stream);
  const findings: Finding[] = [];
  let events = 0;
  const checkOf = (stream: string): StreamCheck => {
    const check = checks.get(stream) ?? new StreamCheck(stream, anchored.get(stream) ?? []);
    checks.set(stream, check);
    return check;
  };
  for await (const record of log.readStored()) {
    events += 1;
    findings.push(...checkOf(record.stream).stored(record));
  }
  for (const stream of anchored.keys()) findings.push(...checkOf(stream).end());
  const streams = [...checks.values()].filter((check) => check.hasEvents).length;
  return { events, streams, findings };
}

/**
 * Checks the chain of one stream's events, as read or exported as JSON, from the first event on, in the given order.
 */
export function verifyStream(events: Iterable<StoredEvent>): readonly Finding[] {
  const checks = new Map<string, StreamCheck>();
  const findings: Finding[] = [];
  for (const event of events) {
    const check = checks.get(event.stream) ?? new StreamCheck(event.stream, []);
    checks.set(event.stream, check);
    findings.push(...check.next(event));
  }
  return findings;
}

/** The head of every stream, to keep outside the log, so that `auditVerify` can find cut tails and missing streams. */
export async function exportAnchors(log: EventLog): Promise<readonly StreamHead[]> {
  return Array.fromAsync(log.listStreams());
}

class StreamCheck {
  #next = 0;
  #hasEvents = false;
  /** Undefined if the previous event is missing or unreadable: then the link to it cannot be checked. */
  #previous: string | undefined = GENESIS_HASH;

  constructor(
    private readonly stream: string,
    private readonly anchors: readonly StreamHead[],
  ) {}

  get hasEvents(): boolean {
    return this.#hasEvents;
  }

  /** Checks a parsed event; its hash is computed from its canonical form. */
  *next(event: StoredEvent): Iterable<Finding> {
    yield* this.#place(event.revision);
    yield* this.#link(event, (previous) => chainHash(previous, event));
  }

  /** Checks a stored record; its hash is computed from its bytes. */
  *stored(record: StoredRecord): Iterable<Finding> {
    const { stream, position, hash } = record;
    this.#hasEvents = true;
    const content = readContent(record.content);
    const columns = wrongColumns(record, content);
    if (columns.length > 0)
      yield { kind: 'wrong-columns', stream, revision: record.revision, position, columns };
    const revision = revisionNumber(record.revision);
    if (revision === undefined) {
      // Its revision is unknown, so the event that belongs there counts as missing.
      this.#previous = undefined;
      return;
    }
    yield* this.#place(revision);
    if (content.kind === 'unreadable') {
      yield { kind: 'unreadable', stream, revision };
      this.#previous = undefined;
      return;
    }
    if (!content.isCanonical) yield { kind: 'not-canonical', stream, revision };
    yield* this.#link({ id: record.id, revision, hash }, (previous) =>
      linkHashOfBytes(previous, record.content),
    );
  }

  *end(): Iterable<Finding> {
    const anchored = Math.max(...this.anchors.map(({ revision }) => revision));
    if (!this.hasEvents) yield { kind: 'missing-stream', stream: this.stream, anchored };
    else if (this.#next <= anchored)
      yield { kind: 'cut-tail', stream: this.stream, anchored, found: this.#next - 1 };
  }

  *#link(
    { id, revision, hash }: Pick<StoredEvent, 'id' | 'revision' | 'hash'>,
    hashAfter: (previous: string) => string,
  ): Iterable<Finding> {
    const { stream } = this;
    if (this.#previous !== undefined && hashAfter(this.#previous) !== hash)
      yield { kind: 'changed', stream, revision, eventId: id };
    if (this.anchors.some((anchor) => anchor.revision === revision && anchor.hash !== hash))
      yield { kind: 'not-as-anchored', stream, revision };
    this.#previous = hash;
  }

  *#place(revision: number): Iterable<Finding> {
    this.#hasEvents = true;
    const expected = this.#next;
    if (revision > expected) {
      yield { kind: 'dropped', stream: this.stream, from: expected, to: revision - 1 };
      this.#previous = undefined;
    } else if (revision < expected) {
      yield { kind: 'out-of-order', stream: this.stream, revision, expected };
      this.#previous = undefined;
    }
    this.#next = Math.max(expected, revision + 1);
  }
}
