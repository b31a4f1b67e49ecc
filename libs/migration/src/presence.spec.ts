import { describe, expect, it } from '@jest/globals';
import type { DomainEvent } from '@ledgerlift/contracts';
import fc from 'fast-check';
import { type Absence, alwaysPresent, endOfWait, evolveAbsences, returnOf } from './presence.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const WEEK = 7 * 24 * HOUR;
const asked = Date.parse('2026-11-27T16:00:00Z');
const away = (fromMs: number, forMs: number): Absence => ({
  from: asked + fromMs,
  until: asked + fromMs + forMs,
});
const endAfter = (limitMs: number, ...absences: readonly Absence[]): number | undefined => {
  const end = endOfWait(asked, limitMs, { absences, isAway: false });
  return end === undefined ? undefined : end - asked;
};

describe('a wait', () => {
  it('ends at its limit while a planner leads', () => {
    expect(endOfWait(asked, HOUR, alwaysPresent)).toBe(asked + HOUR);
  });

  it('does not end while the planner is away', () => {
    expect(endOfWait(asked, HOUR, { absences: [], isAway: true })).toBeUndefined();
  });

  it.each([
    ['a minute', MINUTE],
    ['an hour', HOUR],
    ['a week', WEEK],
  ])('lasts longer by an absence of %s', (_name, forMs) => {
    expect(endAfter(2 * HOUR, away(HOUR, forMs))).toBe(2 * HOUR + forMs);
  });

  it('gets a grace period after an absence that came just before its end', () => {
    expect(endAfter(HOUR, away(HOUR - 1, WEEK))).toBe(HOUR - 1 + WEEK + MINUTE);
  });

  it('gets no grace period longer than its limit', () => {
    expect(endAfter(1000, away(999, WEEK))).toBe(999 + WEEK + 1000);
  });

  it('counts only the part of an absence that came after its start', () => {
    expect(endAfter(HOUR, away(-HOUR, 2 * HOUR))).toBe(2 * HOUR);
    expect(endAfter(HOUR, away(-WEEK, MINUTE))).toBe(HOUR);
  });

  it('adds up absences, including those that fall within the wait only because an earlier one extended it', () => {
    expect(endAfter(HOUR, away(10 * MINUTE, HOUR), away(90 * MINUTE, HOUR))).toBe(3 * HOUR);
  });

  it('is not changed by an absence after its end', () => {
    expect(endAfter(HOUR, away(HOUR, HOUR))).toBe(HOUR);
  });

  it('never ends before a planner has led for as long as the limit, whatever the absences', () => {
    const gaps = fc.array(fc.tuple(fc.nat(HOUR), fc.integer({ min: 1, max: WEEK })), { maxLength: 8 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: WEEK }), gaps, (limitMs, drawn) => {
        let at = asked - HOUR;
        const absences = drawn.map(([gapMs, forMs]) => {
          const from = at + gapMs;
          at = from + forMs;
          return { from, until: at };
        });
        const end = endOfWait(asked, limitMs, { absences, isAway: false }) ?? 0;
        const led = absences.reduce(
          (ms, { from, until }) => ms - Math.max(0, Math.min(until, end) - Math.max(from, asked)),
          end - asked,
        );
        expect(led).toBeGreaterThanOrEqual(limitMs);
        expect(absences.some(({ from, until }) => from < end && end < until)).toBe(false);
      }),
    );
  });
});

describe('a planner that leads again', () => {
  const fold = (...events: readonly DomainEvent[]) => events.reduce(evolveAbsences, []);

  it('records the time in which no planner is known to have led', () => {
    const events = returnOf(asked, asked + WEEK, 'start');
    expect(fold(...events)).toEqual([away(0, WEEK)]);
  });

  it('records no gap too short to matter', () => {
    expect(returnOf(asked, asked + 4999, 'stall')).toEqual([]);
    expect(returnOf(asked, asked + 5000, 'stall')).toHaveLength(1);
  });

  it('never counts time twice after the clock was set back', () => {
    const events = [...returnOf(asked, asked + HOUR, 'start'), ...returnOf(asked, asked + 2 * HOUR, 'bus')];
    expect(fold(...events)).toEqual([away(0, HOUR), away(HOUR, HOUR)]);
  });
});
