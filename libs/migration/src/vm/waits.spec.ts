import { describe, expect, it } from '@jest/globals';
import { HookSpec } from '@ledgerlift/contracts';
import type { Presence } from '../presence.js';
import { connectionReset, noon } from '../spec/fixtures.js';
import { started } from '../spec/vm-specification.js';
import { decideVm } from './decide.js';
import { openAttempt, type VmLive } from './state.js';
import { wakeAt } from './waits.js';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const later = (ms: number): Date => new Date(noon.getTime() + ms);
const awayFor = (ms: number, from = MINUTE): Presence => ({
  absences: [{ from: noon.getTime() + from, until: noon.getTime() + from + ms }],
  isAway: false,
});

/** A VM whose request was appended at noon, and that nobody has taken. The time limit for it is a day. */
function asked(): VmLive {
  const { live } = started;
  const open = openAttempt(live);
  if (open === undefined) throw new Error('nothing is requested');
  return { ...live, attempts: [{ ...open, requestedAt: noon.toISOString() }] };
}

/** The same for a hook that another system answers within ten minutes. */
function askedHook(): VmLive {
  const state = asked();
  const hook = HookSpec.parse({
    name: 'ticket',
    at: 'before',
    run: { kind: 'event' },
    timeLimitMs: 10 * MINUTE,
  });
  const settings = { ...state.record.settings, hooks: [hook] };
  return {
    ...state,
    record: { ...state.record, settings },
    attempts: state.attempts.map((each) => ({
      ...each,
      service: 'external',
      hook: 'ticket',
      step: 'PreHook',
    })),
  };
}

const wakes = (state: VmLive, at: Date, presence: Presence) =>
  decideVm({ kind: 'wake', at, random: 0, presence }, state).map(({ type }) => type);

describe.each([
  ['a request that no worker has taken', asked, DAY, ['StepFailed']],
  ['a hook that another system answers', askedHook, 10 * MINUTE, ['StepFailed']],
] as const)('%s', (_name, waiting, limitMs, failed) => {
  it.each([
    ['a minute', MINUTE],
    ['an hour', 60 * MINUTE],
    ['a week', 7 * DAY],
  ])('is not given up because the planner was away for %s', (_length, ms) => {
    const end = wakeAt(waiting(), awayFor(ms)) ?? 0;
    expect(end).toBeGreaterThanOrEqual(noon.getTime() + limitMs + ms);
    expect(wakes(waiting(), later(limitMs), awayFor(ms))).toEqual([]);
    expect(wakes(waiting(), new Date(end - 1), awayFor(ms))).toEqual([]);
    expect(wakes(waiting(), new Date(end), awayFor(ms)).slice(0, 1)).toEqual(failed);
  });

  it('has a minute after the return, if its time was nearly over', () => {
    expect(wakeAt(waiting(), awayFor(7 * DAY, limitMs - 1))).toBe(
      noon.getTime() + limitMs - 1 + 7 * DAY + MINUTE,
    );
  });

  it('is not given up while the planner is away', () => {
    const away: Presence = { absences: [], isAway: true };
    expect(wakeAt(waiting(), away)).toBeUndefined();
    expect(wakes(waiting(), later(30 * DAY), away)).toEqual([]);
  });
});

describe('a retry that came due while the planner was away', () => {
  it('is requested at once, because its time is no limit', () => {
    const failed = started.fails('Initialize', connectionReset);
    expect(wakes(failed.live, later(7 * DAY), awayFor(7 * DAY))).toEqual(['StepRequested']);
  });
});
