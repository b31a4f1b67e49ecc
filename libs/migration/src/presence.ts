import type { DomainEvent, EventOf } from '@ledgerlift/contracts';

/** A period, in milliseconds since 1970, without a leading planner that workers and users could reach. */
export interface Absence {
  readonly from: number;
  readonly until: number;
}

/** When a planner led and was reachable. Time limits pause while none was. */
export interface Presence {
  /** Past absences, oldest first; they do not overlap. */
  readonly absences: readonly Absence[];
  /** The planner is away now: no limit ends before it returns. */
  readonly isAway: boolean;
}

export const alwaysPresent: Presence = { absences: [], isAway: false };

/** After an absence every wait lasts at least this much longer, or its whole limit if that is shorter. */
const GRACE_MS = 60_000;

/**
 * When a wait ends. The limit counts only time in which a planner led: an answer that no planner could have received is
 * no reason to give up.
 *
 * @param from when the wait began, in milliseconds since 1970
 * @param limitMs how long it may last, in milliseconds
 * @returns milliseconds since 1970; undefined while the planner is away
 */
export function endOfWait(from: number, limitMs: number, presence: Presence): number | undefined {
  if (presence.isAway) return undefined;
  let end = from + limitMs;
  for (const absence of presence.absences) {
    if (absence.until <= from || absence.from >= end) continue;
    end += absence.until - Math.max(absence.from, from);
    end = Math.max(end, absence.until + Math.min(limitMs, GRACE_MS));
  }
  return end;
}

/** Shorter absences are not recorded: a planner that checks itself every second has such gaps. */
const SHORTEST_ABSENCE_MS = 5000;

/** @returns the event to record when a planner leads (again) at `at`; none for a gap too short to matter */
export function returnOf(
  lastLedAt: number,
  at: number,
  after: EventOf<'PlannerReturned'>['data']['after'],
): readonly DomainEvent[] {
  if (at - lastLedAt < SHORTEST_ABSENCE_MS) return [];
  const data = {
    lastLedAt: new Date(lastLedAt).toISOString(),
    returnedAt: new Date(at).toISOString(),
    after,
  };
  return [{ type: 'PlannerReturned', data }];
}

/** Folds an event of the stream `planner` into the known absences. */
export function evolveAbsences(absences: readonly Absence[], event: DomainEvent): readonly Absence[] {
  if (event.type !== 'PlannerReturned') return absences;
  const last = absences.at(-1)?.until ?? Number.NEGATIVE_INFINITY;
  // A clock may be set back: never count the same time twice.
  const from = Math.max(Date.parse(event.data.lastLedAt), last);
  const until = Date.parse(event.data.returnedAt);
  return from < until ? [...absences, { from, until }] : absences;
}
