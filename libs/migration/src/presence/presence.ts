import type { DomainEvent, EventOf } from '@ledgerlift/contracts';

/** A time, in milliseconds since 1970, in which no planner led that workers and users could reach. */
export interface Absence {
  readonly from: number;
  readonly until: number;
}

/** When a planner led and could be reached, as far as time limits need to know. */
export interface Presence {
  /** Past absences, oldest first; they do not overlap. */
  readonly absences: readonly Absence[];
  /** Whether the planner is away now: no limit ends before it has returned. */
  readonly isAway: boolean;
}

export const alwaysPresent: Presence = { absences: [], isAway: false };

/** After an absence every wait has at least this long (or its whole limit, where that is shorter). */
const GRACE_MS = 60_000;

/**
 * When a wait ends. The limit counts only the time in which a planner led: what nobody could have answered is no reason
 * to give up waiting.
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

/** An absence shorter than this is not recorded: a planner that looks after itself every second has such gaps. */
const SHORTEST_ABSENCE_MS = 5000;

/** @returns what is to be recorded when a planner leads (again) at `at`; nothing for a gap that is too short to matter */
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

/** Adds what the stream `planner` says to the absences that are known. */
export function evolveAbsences(absences: readonly Absence[], event: DomainEvent): readonly Absence[] {
  if (event.type !== 'PlannerReturned') return absences;
  const last = absences.at(-1)?.until ?? Number.NEGATIVE_INFINITY;
  // Clocks may be set back: what was counted once is not counted twice.
  const from = Math.max(Date.parse(event.data.lastLedAt), last);
  const until = Date.parse(event.data.returnedAt);
  return from < until ? [...absences, { from, until }] : absences;
}
