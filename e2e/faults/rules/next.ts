import type { VmView } from '@ledgerlift/contracts';
import type { Instants } from './plan.js';
import { APPROVER, type HookScript, type RulesScript, isDoomed } from './script.js';

/** What an operator does next about a VM that the rules of its plan hold back. */
export type NextByRules =
  | { readonly kind: 'approve-start' | 'approve-cutover'; readonly by: string }
  | { readonly kind: 'cutover' }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'wait' };

/** What a VM that is not warm says, or a hook of the plan before its power-off, where the window closed on it. */
const BEFORE_POWER_OFF = /^the maintenance window that opens at .*, to power the source off$/;
/** A cutover that is further off is none that the run waits for. */
const FAR_MS = 30_000;

/**
 * What the VM waits for must be said by the VM itself; where it does not say it, nothing is done, and the run gets stuck.
 *
 * @returns undefined: no rule holds it back
 */
export function nextByRules(
  view: Pick<VmView, 'state' | 'waitingFor' | 'warm'>,
  { window, approvals }: RulesScript,
  instants: Instants | undefined,
  now: number,
): NextByRules | undefined {
  const says = (what: RegExp): boolean => what.test(view.waitingFor ?? '');
  if (view.state === 'planned') {
    if (says(/^a second person to approve the start$/))
      return approvals.given === 'never' ? { kind: 'cancel' } : { kind: 'approve-start', by: APPROVER };
    return window !== undefined && isShut(instants, now) && says(/^the maintenance window that opens at /)
      ? { kind: 'cancel' }
      : undefined;
  }
  if (view.state !== 'waiting') return undefined;
  // Of a VM that is not warm.
  if (says(BEFORE_POWER_OFF)) return isShut(instants, now) ? { kind: 'cancel' } : { kind: 'wait' };
  if (view.warm?.cutoverAt === undefined) return undefined;
  if (view.warm.approval === 'awaited') {
    if (!says(/a second person to approve the cutover at /)) return undefined;
    return approvals.given === 'never' ? { kind: 'cancel' } : { kind: 'approve-cutover', by: APPROVER };
  }
  const isFar = Date.parse(view.warm.cutoverAt) > now + FAR_MS;
  return isFar && says(/the cutover at /) && isShut(instants, now)
    ? window?.otherwise === 'override'
      ? { kind: 'cutover' }
      : { kind: 'cancel' }
    : undefined;
}

/** Neither open nor about to be. */
const isShut = (instants: Instants | undefined, now: number): boolean =>
  instants !== undefined && (now > instants.closesAt || now < instants.opensAt - FAR_MS);

/**
 * What an operator does next about a hook of the whole plan, which is shown as a VM.
 *
 * @param isPast its moment has not come, and does not come any more
 * @param mayTry whether what failed is to be tried again
 */
export function nextOfPlanHook(
  view: Pick<VmView, 'state' | 'waitingFor'>,
  { isPast, mayTry }: { readonly isPast: boolean; readonly mayTry: boolean },
  instants: Instants | undefined,
  now: number,
): { readonly kind: 'resume' | 'retry' | 'plan-cancel' } | 'nothing' | 'wait' {
  switch (view.state) {
    case 'paused':
      return { kind: 'resume' };
    case 'held':
      return { kind: 'retry' };
    case 'failed':
      // The VMs wait for it: nobody can go on without it.
      if (mayTry) return { kind: 'retry' };
      return isPast ? 'nothing' : { kind: 'plan-cancel' };
    case 'planned':
      return isPast ? 'nothing' : 'wait';
    case 'waiting':
      return BEFORE_POWER_OFF.test(view.waitingFor ?? '') && isShut(instants, now)
        ? { kind: 'plan-cancel' }
        : 'wait';
    case 'succeeded':
    case 'canceled':
      return 'nothing';
    default:
      return 'wait';
  }
}

/** Codes of what a hook comes to that fails. */
const HOOK_FAILED = new Set(['LL-MIG-006', 'LL-MIG-010', 'LL-TRF-011', 'LL-TRF-012', 'LL-TRF-013']);

/** Whether a hook is the reason that a VM fails however often it is tried again. */
export const failsByRules = (
  hooks: readonly HookScript[],
  error: { readonly code: string } | undefined,
): boolean =>
  hooks.some((hook) => isDoomed(hook) && hook.onFailure === 'fail') && HOOK_FAILED.has(error?.code ?? '');

/** So often more than without hooks what fails has to be tried again. */
export const retriesForHooks = (hooks: readonly HookScript[]): number =>
  hooks.reduce((sum, { behaviours }) => sum + behaviours.filter((each) => each !== 'ok').length, 0);
