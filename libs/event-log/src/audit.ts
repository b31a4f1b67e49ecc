import { z } from 'zod';
import { UnreadableEvent } from './errors.js';
import { GENESIS_HASH, chainHash } from './hash-chain.js';
import type { EventLog, StoredEvent, StreamHead } from './port.js';

/**
 * What an audit found wrong. The chain tells that it is broken, and where; who broke it may have changed an event,
 * put one in, or renumbered what came after, and these look alike.
 */
export type Finding =
  /** The event, or its hash, or the hash before it, is not what was appended. */
  | { readonly kind: 'changed'; readonly stream: string; readonly revision: number; readonly eventId: string }
  /** What is stored there cannot be read as an event at all. */
  | { readonly kind: 'unreadable'; readonly stream: string; readonly revision: number }
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
 * Recomputes every stream's chain. Changing, dropping, inserting or reordering events is found by that alone; cut tails,
 * missing streams, and histories that were rewritten with all their hashes, only against heads anchored outside earlier.
 * A stream that was put in whole cannot be told from one that was appended.
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
  for await (const event of readableEvents(log)) {
    events += 1;
    const check = checkOf(event.stream);
    findings.push(
      ...(event instanceof UnreadableEvent ? check.unreadable(event.revision) : check.next(event)),
    );
  }
  for (const stream of anchored.keys()) findings.push(...checkOf(stream).end());
  const streams = [...checks.values()].filter((check) => check.hasEvents).length;
  return { events, streams, findings };
}

/** The same for one stream's events, from its first on, in the order in which they are given. */
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

/** Everything in the log's order; what cannot be read is told, and does not end it. */
async function* readableEvents(log: EventLog): AsyncIterable<StoredEvent | UnreadableEvent> {
  let after: string | undefined;
  for (;;) {
    try {
      for await (const event of log.readAll(after === undefined ? {} : { after })) {
        after = event.position;
        yield event;
      }
      return;
    } catch (error) {
      if (!(error instanceof UnreadableEvent)) throw error;
      after = error.position;
      yield error;
    }
  }
}

class StreamCheck {
  #next = 0;
  /** Undefined when the event before is not there or not readable: then the link to it cannot be checked. */
  #previous: string | undefined = GENESIS_HASH;

  constructor(
    private readonly stream: string,
    private readonly anchors: readonly StreamHead[],
  ) {}

  get hasEvents(): boolean {
    return this.#next > 0;
  }

  *next(event: StoredEvent): Iterable<Finding> {
    const { revision } = event;
    yield* this.#place(revision);
    if (this.#previous !== undefined && chainHash(this.#previous, event) !== event.hash) {
      yield { kind: 'changed', stream: this.stream, revision, eventId: event.id };
    }
    if (this.anchors.some((anchor) => anchor.revision === revision && anchor.hash !== event.hash)) {
      yield { kind: 'not-as-anchored', stream: this.stream, revision };
    }
    this.#previous = event.hash;
  }

  *unreadable(revision: number): Iterable<Finding> {
    yield* this.#place(revision);
    yield { kind: 'unreadable', stream: this.stream, revision };
    this.#previous = undefined;
  }

  *end(): Iterable<Finding> {
    const anchored = Math.max(...this.anchors.map(({ revision }) => revision));
    if (!this.hasEvents) yield { kind: 'missing-stream', stream: this.stream, anchored };
    else if (this.#next <= anchored)
      yield { kind: 'cut-tail', stream: this.stream, anchored, found: this.#next - 1 };
  }

  *#place(revision: number): Iterable<Finding> {
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
