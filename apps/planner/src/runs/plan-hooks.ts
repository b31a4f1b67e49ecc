import type { HookMoment, VmRecord } from '@ledgerlift/contracts';
import {
  type PlanHook,
  type RunState,
  type VmCommand,
  type VmLive,
  isTerminal,
  planHookMigration,
  planHooksOf,
} from '@ledgerlift/migration';
import type { RunStates } from './run-states.js';

/** Hooks of whole plans run once each, at their moment; hooks of the same moment run one after another. */

const known = new WeakMap<RunState['started'], readonly PlanHook[]>();

/** The plan's hooks in a run, computed once. */
export function hooksOfRun({ started }: RunState): readonly PlanHook[] {
  const found = known.get(started) ?? planHooksOf(started);
  known.set(started, found);
  return found;
}

/** Whether the record stands for a hook of a whole plan instead of a VM. */
export const isPlanHook = ({ record }: VmLive): boolean => record.standsFor === 'plan';

/** Commands that record the plan's hooks before its run begins, in the same way as its VMs. */
export const planHookCommands = (
  spec: RunState['started']['spec'],
  vmCount: number,
  firstVm: VmRecord | undefined,
): readonly Extract<VmCommand, { kind: 'plan' }>[] =>
  firstVm === undefined
    ? []
    : planHooksOf({ spec, vmCount }).map((hook) => ({ kind: 'plan', ...planHookMigration(hook, firstVm) }));

/** The plan hook that the run's VMs must wait for, in words; undefined if there is none. */
export function heldBackBy(run: RunState, states: RunStates): string | undefined {
  const first = hooksAt(run, states, (at) => isBeforeAll(run, at)).find(({ phase }) => phase !== 'succeeded');
  if (first === undefined) return undefined;
  const { record, phase } = first;
  const how = `the plan's hook ${record.settings.hooks[0]?.name ?? ''} (${run.migrationId}/${record.index})`;
  if (phase === 'failed' || phase === 'held')
    return `${how}, which failed: ${errorOf(first)}; retry it, or cancel the plan`;
  return phase === 'canceled' ? `${how}, which was canceled; cancel the plan, too` : `${how} to be done`;
}

/** Hooks to begin now, at most one per moment: those that run before the first VM begins or after the last one has ended. */
export const hooksDue = (run: RunState, states: RunStates): readonly VmLive[] =>
  (['before', 'cutover', 'after', 'failure'] as const).flatMap((at) =>
    isDue(run, states, at) ? (nextHook(run, states, at) ?? []) : [],
  );

/** The next hook of the moment, if it has not begun. */
export function nextHook(run: RunState, states: RunStates, moment: HookMoment): VmLive | undefined {
  const next = hooksAt(run, states, (at) => at === moment).find(({ phase }) => phase !== 'succeeded');
  return next?.phase === 'planned' ? next : undefined;
}

export const areHooksDone = (run: RunState, states: RunStates, moment: HookMoment): boolean =>
  hooksAt(run, states, (at) => at === moment).every(({ phase }) => phase === 'succeeded');

/** Hooks that a canceled run no longer needs. Failure hooks still run: the VMs failed before the cancel. */
export const hooksToCancel = (run: RunState, states: RunStates): readonly VmLive[] =>
  hooksAt(run, states, (at) => at !== 'failure').filter(
    (state) => !isTerminal(state) && state.cancel === undefined,
  );

export const namesOfHooks = (run: RunState, moment: HookMoment): readonly string[] =>
  hooksOfRun(run).flatMap(({ hook: { name, at } }) => (at === moment ? [name] : []));

function isDue(run: RunState, states: RunStates, at: HookMoment): boolean {
  if (run.intent.kind === 'cancel' && at !== 'failure') return false;
  if (at === 'before') return run.approved;
  // In a warm plan they begin when the first cutover is due: see the reactor `cutoverHooks`.
  if (at === 'cutover') return isBeforeAll(run, at) && run.approved && areHooksDone(run, states, 'before');
  const { open, phases } = states.tally(run.migrationId);
  if (open.size > 0 || run.completed === undefined) return false;
  return at === 'failure' ? phases.failed > 0 : phases.failed === 0;
}

function hooksAt(run: RunState, states: RunStates, isWanted: (at: HookMoment) => boolean): readonly VmLive[] {
  const wanted = new Set(hooksOfRun(run).flatMap(({ hook, index }) => (isWanted(hook.at) ? [index] : [])));
  return wanted.size === 0 ? [] : states.hooks(run).filter(({ record }) => wanted.has(record.index));
}

/** Only in a warm plan does the cutover come later than the start. */
const isBeforeAll = ({ started: { spec } }: RunState, at: HookMoment): boolean =>
  at === 'before' || (at === 'cutover' && spec.type !== 'warm');

const errorOf = ({ attempts }: VmLive): string =>
  attempts.findLast(({ error }) => error !== undefined)?.error?.message ?? 'it says no more';
