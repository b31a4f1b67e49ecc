import { describe, expect, it } from '@jest/globals';
import { MaintenanceWindow, Weekday } from '@ledgerlift/contracts';
import fc from 'fast-check';
import { isOpen, nextOpening } from './windows.js';

const window = (change: object): MaintenanceWindow =>
  MaintenanceWindow.parse({ from: '22:00', to: '04:00', timeZone: 'Europe/Berlin', ...change });
const at = (time: string): Date => new Date(time);

describe('a maintenance window', () => {
  it('is open from its beginning to its end, in its own time zone', () => {
    const nightly = [window({})];
    expect(isOpen(nightly, at('2026-11-23T20:59:00Z'))).toBe(false);
    expect(isOpen(nightly, at('2026-11-23T21:00:00Z'))).toBe(true);
    expect(isOpen(nightly, at('2026-11-24T02:59:00Z'))).toBe(true);
    expect(isOpen(nightly, at('2026-11-24T03:00:00Z'))).toBe(false);
  });

  it('that spans midnight belongs to the day on which it begins', () => {
    const saturdays = [window({ days: ['saturday'] })];
    expect(isOpen(saturdays, at('2026-11-29T02:00:00Z'))).toBe(true);
    expect(isOpen(saturdays, at('2026-11-28T02:00:00Z'))).toBe(false);
    expect(nextOpening(saturdays, at('2026-11-23T12:00:00Z'))).toEqual(at('2026-11-28T21:00:00Z'));
  });

  it('is always open if there is none', () => expect(isOpen([], at('2026-11-23T12:00:00Z'))).toBe(true));

  it('that would begin in the hour skipped by daylight saving time begins at its end', () => {
    const early = [window({ from: '02:30', to: '05:00' })];
    // On 2026-03-29 clocks go from 02:00 to 03:00, at 01:00 UTC.
    expect(nextOpening(early, at('2026-03-28T12:00:00Z'))).toEqual(at('2026-03-29T01:00:00Z'));
  });

  it('in the hour repeated by daylight saving time is open twice', () => {
    const early = [window({ from: '02:15', to: '02:45' })];
    // On 2026-10-25 clocks go from 03:00 back to 02:00, at 01:00 UTC.
    expect(nextOpening(early, at('2026-10-24T12:00:00Z'))).toEqual(at('2026-10-25T00:15:00Z'));
    expect(nextOpening(early, at('2026-10-25T00:50:00Z'))).toEqual(at('2026-10-25T01:15:00Z'));
  });

  it('opens at the next opening, and not before', () => {
    const time = fc
      .tuple(fc.nat(23), fc.nat(59))
      .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`);
    const some = fc.record({
      days: fc.uniqueArray(fc.constantFrom(...Weekday.options), { minLength: 1 }),
      from: time,
      to: time,
      timeZone: fc.constantFrom(
        'UTC',
        'Europe/Berlin',
        'America/New_York',
        'Asia/Kolkata',
        'Australia/Lord_Howe',
      ),
    });
    const begin = Date.parse('2026-01-01T00:00:00Z');
    const instant = fc.nat(365 * 24 * 60).map((minutes) => new Date(begin + minutes * 60_000));
    fc.assert(
      fc.property(fc.array(some, { minLength: 1, maxLength: 3 }), instant, (windows, from) => {
        const opening = nextOpening(windows, from);
        expect(isOpen(windows, opening)).toBe(true);
        const step = Math.max(60_000, (opening.getTime() - from.getTime()) / 200);
        for (let time = from.getTime(); time < opening.getTime(); time += step)
          expect(isOpen(windows, new Date(time))).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});
