import { GENESIS_HASH, chainHash } from './hash-chain.js';
import type { EventLog, StoredEvent, StreamHead } from './port.js';

/** What `verifyLog` found wrong. */
export type Finding =
  | { readonly kind: 'changed'; readonly stream: string; readonly revision: number; readonly eventId: string }
  | { readonly kind: 'gap'; readonly stream: string; readonly expected: number; readonly found: number }
  | { readonly kind: 'cut-tail'; readonly stream: string; readonly anchored: number; readonly found: number }
  | { readonly kind: 'missing-stream'; readonly stream: string; readonly anchored: number }
  | { readonly kind: 'not-as-anchored'; readonly stream: string; readonly revision: number };

export interface Verification {
  readonly events: number;
  readonly streams: number;
  readonly findings: readonly Finding[];
}

/**
 * Recomputes every stream's chain. Changing, dropping, inserting or reordering an event is found by that alone; cut
 * tails and missing streams are found against heads that were anchored outside the log earlier.
 */
export async function verifyLog(log: EventLog, anchors: readonly StreamHead[] = []): Promise<Verification> {
  const heads = new Map<string, { revision: number; hash: string }>();
  const anchored = new Map(anchors.map((anchor) => [anchor.stream, anchor]));
  const findings: Finding[] = [];
  let events = 0;
  for await (const event of log.readAll()) {
    events += 1;
    findings.push(...check(event, heads.get(event.stream), anchored.get(event.stream)));
    heads.set(event.stream, { revision: event.revision, hash: event.hash });
  }
  for (const { stream, revision } of anchors) {
    const head = heads.get(stream);
    if (head === undefined) findings.push({ kind: 'missing-stream', stream, anchored: revision });
    else if (head.revision < revision) {
      findings.push({ kind: 'cut-tail', stream, anchored: revision, found: head.revision });
    }
  }
  return { events, streams: heads.size, findings };
}

function* check(
  event: StoredEvent,
  previous: { readonly revision: number; readonly hash: string } | undefined,
  anchor: StreamHead | undefined,
): Iterable<Finding> {
  const { stream, revision } = event;
  const expected = previous === undefined ? 0 : previous.revision + 1;
  if (revision !== expected) yield { kind: 'gap', stream, expected, found: revision };
  if (chainHash(previous?.hash ?? GENESIS_HASH, event) !== event.hash) {
    yield { kind: 'changed', stream, revision, eventId: event.id };
  }
  if (anchor?.revision === revision && anchor.hash !== event.hash)
    yield { kind: 'not-as-anchored', stream, revision };
}

/** The head of every stream, to be kept outside: what `verifyLog` finds cut tails with. */
export async function anchorsOf(log: EventLog): Promise<readonly StreamHead[]> {
  const heads: StreamHead[] = [];
  for await (const head of log.streams()) heads.push(head);
  return heads;
}
