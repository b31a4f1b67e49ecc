import type { PlanSpecInput } from '@ledgerlift/contracts';
import type { HookScript, RulesScript, WindowScript } from './script.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A window as instants, in milliseconds since 1970: how its plan words it is for Ledgerlift to understand. */
export interface Instants {
  readonly opensAt: number;
  readonly closesAt: number;
}

/** Where hooks are answered by HTTP, and the path of the journal for those that are commands. */
export interface Callees {
  readonly url: string;
  readonly journal: string;
}

type PlanWindow = NonNullable<PlanSpecInput['windows']>[number];

/** @param turn a turn of the minute: the next one after the begin of the run */
export function instantsOf({ kind }: WindowScript, turn: number): Instants {
  switch (kind) {
    case 'open':
      return { opensAt: turn - 2 * HOUR_MS, closesAt: turn + 2 * HOUR_MS };
    case 'opens':
      return { opensAt: turn, closesAt: turn + 2 * HOUR_MS };
    case 'closes':
      return { opensAt: turn - 2 * HOUR_MS, closesAt: turn };
    case 'never':
      return { opensAt: turn + 3 * HOUR_MS, closesAt: turn + 5 * HOUR_MS };
  }
}

export const nextTurn = (now: number): number => Math.ceil(now / MINUTE_MS) * MINUTE_MS;

const clock = (at: number, timeZone: string): string =>
  new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(
    at,
  );

const windowOf = ({ timeZone }: WindowScript, { opensAt, closesAt }: Instants): PlanWindow => ({
  from: clock(opensAt, timeZone),
  to: clock(closesAt, timeZone),
  timeZone,
});

/** Larger than any forecast: what decides is the window. */
const ANY_DOWNTIME_MS = 3_600_000;

/**
 * What a plan says about its rules.
 *
 * @param callees who answers its hooks
 */
export function planRules(
  { window, approvals: { start, cutover }, hooks }: RulesScript,
  instants: Instants | undefined,
  callees: Callees,
): Pick<PlanSpecInput, 'windows' | 'approve' | 'hooks'> & {
  readonly cutover: NonNullable<PlanSpecInput['warm']>['cutover'];
} {
  const windows = window === undefined || instants === undefined ? [] : [windowOf(window, instants)];
  return {
    windows: window?.of === 'begin' ? windows : [],
    approve: { start, cutover },
    hooks: hooks.map((hook) => planHook(hook, callees)),
    cutover:
      window?.of !== 'cutover'
        ? { by: 'command' }
        : window.policy === 'window'
          ? { by: 'window', windows }
          : { by: 'downtime', windows, maxDowntimeMs: ANY_DOWNTIME_MS },
  };
}

function planHook(hook: HookScript, { url, journal }: Callees): NonNullable<PlanSpecInput['hooks']>[number] {
  const { name, at, scope, onFailure, timeLimitMs, retries, behaviours } = hook;
  const run = {
    command: { kind: 'command' as const, command: 'answer', arguments: [journal, name, ...behaviours] },
    http: { kind: 'http' as const, url: `${url}/${name}` },
    event: { kind: 'event' as const },
  }[hook.run];
  return { name, at, scope, run, onFailure, timeLimitMs, retries };
}
