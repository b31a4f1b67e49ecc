/** An event as somebody saw it. */
export interface Seen {
  readonly id: string;
  readonly position: string;
}

/** What a writer says to `run.ts`. */
export type Said =
  | { readonly kind: 'waiting' | 'open' }
  | { readonly kind: 'acknowledged'; readonly events: readonly Seen[] }
  | { readonly kind: 'refused'; readonly ids: readonly string[]; readonly code: string }
  | { readonly kind: 'hole'; readonly after: string; readonly position: string };

/** A writer's exit status if another took over. */
export const TAKEN_OVER = 3;

/** What a writer is told. */
export type Told = 'stop';

/** What was seen of a log while it was under faults, and the whole log afterwards. */
export interface Observed {
  /** All events of the log in its order; `writer` is the process that appended it. */
  readonly log: readonly (Seen & { readonly writer: string })[];
  readonly acknowledged: readonly Seen[];
  /** Ids whose append was certainly refused. */
  readonly refused: readonly string[];
  /** What each reader got, in its order, from the log's beginning on. */
  readonly readers: readonly (readonly Seen[])[];
}

export type FindingKind = 'lost' | 'doubled' | 'reordered' | 'holes';

export interface Finding {
  readonly kind: FindingKind;
  readonly what: string;
}

/**
 * The log must have every acknowledged event once, at the position that was promised, and no refused one; positions without a
 * gap; one writer after the other, because only one owns it at a time. Each reader must have seen that order, whole.
 */
export function judged({ log, acknowledged, refused, readers }: Observed): readonly Finding[] {
  const findings: Finding[] = [];
  const find = (kind: FindingKind, what: string): void => void findings.push({ kind, what });
  const places = new Map<string, string>();
  const writers = new Set<string>();
  let last: Observed['log'][number] | undefined;
  for (const event of log) {
    const { id, position, writer } = event;
    if (places.has(id)) find('doubled', `${id} is at ${places.get(id)} and at ${position}`);
    places.set(id, position);
    const expected = Number(last?.position ?? 0) + 1;
    if (Number(position) !== expected) find('holes', `the log has ${position} where ${expected} belongs`);
    if (writer !== last?.writer && writers.has(writer))
      find('reordered', `writer ${writer} appended ${position} after another had taken over`);
    writers.add(writer);
    last = event;
  }
  for (const { id, position } of acknowledged) {
    const place = places.get(id);
    if (place === undefined) find('lost', `${id} was acknowledged at ${position}, and is nowhere`);
    else if (place !== position)
      find('reordered', `${id} was acknowledged at ${position}, and is at ${place}`);
  }
  for (const id of refused)
    if (places.has(id)) find('doubled', `${id} was refused, and is at ${places.get(id)}`);
  for (const [n, seen] of readers.entries())
    for (const finding of judgedReader(seen, log)) find(finding.kind, `reader ${n}: ${finding.what}`);
  return findings;
}

function* judgedReader(seen: readonly Seen[], log: readonly Seen[]): Generator<Finding> {
  const had = new Set<string>();
  let next = 0;
  for (const { id, position } of seen) {
    const found = log[next]?.id === id ? next : log.findIndex((event) => event.id === id);
    if (found === -1) yield { kind: 'lost', what: `it got ${id} at ${position}, which the log has not` };
    else if (log[found]?.position !== position)
      yield {
        kind: 'reordered',
        what: `it got ${id} at ${position}, and the log has it at ${log[found]?.position}`,
      };
    else if (had.has(id)) yield { kind: 'doubled', what: `it got ${position} twice` };
    else if (found < next)
      yield { kind: 'reordered', what: `it got ${position} after ${log[next - 1]?.position}` };
    else if (found > next)
      yield { kind: 'holes', what: `it never got ${log[next]?.position}, but ${position}` };
    had.add(id);
    if (found >= next) next = found + 1;
  }
  if (next < log.length)
    yield { kind: 'holes', what: `it never got ${log[next]?.position}, nor what follows` };
}
