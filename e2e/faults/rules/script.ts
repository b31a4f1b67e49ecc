import type { Chance } from '../script/draw.js';

/** What others have to say about a run: when it may be, who approves it, and what is called on the way. */
export interface RulesScript {
  readonly window: WindowScript | undefined;
  readonly approvals: ApprovalsScript;
  readonly hooks: readonly HookScript[];
}

export interface WindowScript {
  /**
   * `opens` and `closes` do so while the run is under way, at the turn of a minute: windows know no seconds. `never`:
   * for hours.
   */
  readonly kind: 'open' | 'opens' | 'closes' | 'never';
  /** Of the plan, for the begin of its VMs; or of the cutover's policy. */
  readonly of: 'begin' | 'cutover';
  readonly policy: 'window' | 'downtime';
  readonly timeZone: string;
  /** When the minute turns, in milliseconds after the begin of the run. */
  readonly turnsAtMs: number;
  /** What an operator does about a cutover whose window does not open: `now` overrides it. */
  readonly otherwise: 'cancel' | 'override';
}

export interface ApprovalsScript {
  readonly start: boolean;
  readonly cutover: boolean;
  /** `never`: nobody but whoever asked tries, and the run is canceled in the end. */
  readonly given: 'given' | 'never';
  readonly tries: readonly ApprovalTry[];
}

/** Started the plan, and asks for what is not drawn otherwise. */
export const STARTER = 'e2e';
/** Approves in the end, and never asks for anything. */
export const APPROVER = 'olga';

export interface ApprovalTry {
  readonly kind: 'approve-start' | 'approve-cutover';
  readonly atMs: number;
  readonly vm: number;
  readonly by: string;
  /** `another`: than the one for which the cutover is scheduled. */
  readonly moment: 'whichever' | 'another';
}

/** How one call of a hook ends. `hang` never does; `late` does after the time limit, and `slow` shortly before. */
export type Behaviour = 'ok' | 'slow' | 'fail' | 'hang' | 'late';

export interface HookScript {
  readonly name: string;
  readonly at: 'before' | 'cutover' | 'after' | 'failure';
  readonly scope: 'vm' | 'plan';
  readonly run: 'command' | 'http' | 'event';
  readonly onFailure: 'fail' | 'continue';
  readonly timeLimitMs: number;
  readonly retries: number;
  /** Of the first call, the second, and so on for each VM; the last one of all that follow. */
  readonly behaviours: readonly Behaviour[];
}

export interface RulesAround {
  readonly run: number;
  readonly warm: boolean;
  readonly vms: number;
  /** Within the first of these milliseconds all is to happen. */
  readonly windowMs: number;
}

export function drawRules(chance: Chance, around: RulesAround): RulesScript {
  return {
    window: chance.is(0.25) ? drawWindow(chance, around) : undefined,
    approvals: drawApprovals(chance, around),
    hooks: chance.is(0.4)
      ? Array.from({ length: chance.pick([1, 1, 2, 3]) }, (_, n) => drawHook(chance, around, n))
      : [],
  };
}

const drawWindow = (chance: Chance, { warm }: RulesAround): WindowScript => ({
  kind: chance.among({ open: 2, opens: 3, closes: 3, never: 2 }),
  of: warm && chance.is(0.75) ? 'cutover' : 'begin',
  policy: chance.is(0.7) ? 'window' : 'downtime',
  timeZone: chance.pick(['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/St_Johns', 'Pacific/Chatham']),
  turnsAtMs: chance.from(1000, 6000),
  otherwise: chance.pick(['cancel', 'override']),
});

function drawApprovals(chance: Chance, { warm, vms, windowMs }: RulesAround): ApprovalsScript {
  const start = chance.is(0.15);
  const cutover = warm && chance.is(0.25);
  const given = chance.is(0.8) ? 'given' : 'never';
  // Also where none is needed: then it must be refused, or change nothing.
  const tries = start || cutover ? chance.from(0, 3) : chance.is(0.1) ? 1 : 0;
  return {
    start,
    cutover,
    given,
    tries: Array.from({ length: tries }, () => ({
      kind: start && (!cutover || chance.is(0.5)) ? 'approve-start' : 'approve-cutover',
      atMs: chance.from(0, windowMs),
      vm: chance.from(0, vms - 1),
      by: given === 'never' ? STARTER : chance.pick([STARTER, 'ada', 'grace']),
      moment: chance.is(0.25) ? 'another' : 'whichever',
    })),
  };
}

function drawHook(chance: Chance, { run }: RulesAround, n: number): HookScript {
  const first = Array.from({ length: chance.pick([0, 0, 1, 2]) }, () =>
    chance.among<Behaviour>({ ok: 2, slow: 2, fail: 3, hang: 1.5, late: 1.5 }),
  );
  return {
    name: `r${run}-h${n}`,
    at: chance.among({ before: 3, cutover: 4, after: 2, failure: 2 }),
    scope: chance.is(0.2) ? 'plan' : 'vm',
    run: chance.among({ command: 4, http: 3, event: 3 }),
    onFailure: chance.is(0.65) ? 'fail' : 'continue',
    timeLimitMs: chance.from(1000, 2500),
    retries: chance.from(0, 2),
    behaviours: [...first, chance.is(0.1) ? 'fail' : chance.pick(['ok', 'ok', 'slow'])],
  };
}

/** Whether it fails however often it is called. */
export const isDoomed = ({ behaviours }: HookScript): boolean => behaviours.at(-1) === 'fail';

/** As it is told in the line of a run. */
export function describedRules({ window, approvals, hooks }: RulesScript): readonly string[] {
  const asked = (['start', 'cutover'] as const).filter((what) => approvals[what]);
  return [
    ...(window === undefined ? [] : [`window of ${window.of} ${window.kind}`]),
    ...(asked.length === 0 ? [] : [`approval of ${asked.join('+')} ${approvals.given}`]),
    ...hooks.map(
      ({ at, scope, run, onFailure, behaviours }) =>
        `hook ${at} ${scope} ${run} ${behaviours.join('/')} ${onFailure}`,
    ),
  ];
}
