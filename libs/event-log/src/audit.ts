import { z } from 'zod';
import { GENESIS_HASH, chainHash, linkHashOfBytes } from './hash-chain.js';
import type { Column, EventLog, StoredEvent, StoredRecord, StreamHead } from './port.js';
import { readContent, revisionNumber, wrongColumns } from './stored-content.js';

/**
 * What an audit found wrong. The chain tells that it is broken, and where; who broke it may have changed an event,
 * put one in, or renumbered what came after, and these look alike.
 */
export type Finding =
  /** The event, or its hash, or the hash before it, is not what was appended. */
  | { readonly kind: 'changed'; readonly stream: string; readonly revision: number; readonly eventId: string }
  /** What is stored there cannot be read as an event at all. */
  | { readonly kind: 'unreadable'; readonly stream: string; readonly revision: number }
  /** The stored bytes are another spelling of an event than the canonical one: readers may differ in what they see. */
  | { readonly kind: 'not-canonical'; readonly stream: string; readonly revision: number }
  /** A column does not say what the content says, or holds what the engine cannot have written. */
  | {
      readonly kind: 'wrong-columns';
      readonly stream: string;
      /** As it is stored: it may be no revision at all. */
      readonly revision: string;
      readonly position: string;
      readonly columns: readonly Column[];
    }
  /** Events `from` to `to` are not there. */
  | { readonly kind: 'dropped'; readonly stream: string; readonly from: number; readonly to: number }
  /** An event stands behind one that it came before, or is there twice. */
  | {
      readonly kind: 'out-of-order';
      readonly stream: string;
      readonly revision: number;
      readonly expected: number;
    }
  /** The stream ended at `anchored` or later once, and now ends at `found`. */
  | { readonly kind: 'cut-tail'; readonly stream: string; readonly anchored: number; readonly found: number }
  | { readonly kind: 'missing-stream'; readonly stream: string; readonly anchored: number }
  /** Another history than the anchored one, though its chain may be whole. */
  | { readonly kind: 'not-as-anchored'; readonly stream: string; readonly revision: number };

export interface Audit {
  readonly events: number;
  readonly streams: number;
  /** Empty when nothing is wrong. */
  readonly findings: readonly Finding[];
}

/** Stream heads that are kept outside the log, as they are written to a file. */
export const anchorsSchema = z.array(
  z.object({
    stream: z.string().min(1),
    revision: z.int().min(0),
    hash: z.string().regex(/^[0-9a-f]{64}$/),
  }),
);

/**
 * Checks every stored record: its bytes are the canonical form of an event, its columns say what they say, and the hash
 * over the stored bytes continues its stream's chain. So changing, dropping, inserting or reordering events is found;
 * cut tails, missing streams, and histories that were rewritten with all their hashes are found only against heads
 * anchored outside earlier. A stream that was put in whole cannot be told from one that was appended.
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

/** Checks the chain of one stream's events that were read or handed out as JSON, from its first on, in the order in which they are given. */
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

/** The head of every stream, to be kept outside: what `auditVerify` finds cut tails and missing streams with. */
export async function exportAnchors(log: EventLog): Promise<readonly StreamHead[]> {
  return Array.fromAsync(log.listStreams());
}

class StreamCheck {
  #next = 0;
  #hasEvents = false;
  /** Undefined when the event before is not there or not readable: then the link to it cannot be checked. */
  #previous: string | undefined = GENESIS_HASH;

  constructor(
    private readonly stream: string,
    private readonly anchors: readonly StreamHead[],
  ) {}

  get hasEvents(): boolean {
    return this.#hasEvents;
  }

  /** An event that was parsed already: its hash is computed from its canonical form. */
  *next(event: StoredEvent): Iterable<Finding> {
    yield* this.#place(event.revision);
    yield* this.#link(event, (previous) => chainHash(previous, event));
  }

  /** A record as it is stored: its hash is computed from its bytes. */
  *stored(record: StoredRecord): Iterable<Finding> {
    const { stream, position, hash } = record;
    this.#hasEvents = true;
    const content = readContent(record.content);
    const columns = wrongColumns(record, content);
    if (columns.length > 0)
      yield { kind: 'wrong-columns', stream, revision: record.revision, position, columns };
    const revision = revisionNumber(record.revision);
    if (revision === undefined) {
      // It has no place: whatever should be there is missing.
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
