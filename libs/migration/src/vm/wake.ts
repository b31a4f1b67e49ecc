import type { DomainEvent } from '@ledgerlift/contracts';
import type { Presence } from '../presence/presence.js';
import type { CommandOf } from './commands.js';
import { nextOfEnd } from './ending.js';
import { requestEndsAt, requestExpired } from './external-hooks.js';
import { backToWaiting, passDue, passWakeAt } from './passes.js';
import { requestCurrentStep } from './requests.js';
import { isTerminal, openAttempt, type VmLive } from './state.js';

/** What is due by the clock. Every due time follows from the log, so that a restart of everything loses none. */

/** @returns when the VM is to be woken, in milliseconds since 1970; undefined: nothing of it is due by the clock */
export function wakeAt(state: VmLive, presence: Presence): number | undefined {
  if (isTerminal(state) || state.phase === 'paused' || state.phase === 'held') return undefined;
  const retryAt = state.retryAt === undefined ? undefined : Date.parse(state.retryAt.dueAt);
  const times = [retryAt, requestEndsAt(state, presence), passWakeAt(state)].filter(
    (time) => time !== undefined,
  );
  return times.length === 0 ? undefined : Math.min(...times);
}

export function wake(state: VmLive, { at, random, presence }: CommandOf<'wake'>): readonly DomainEvent[] {
  if (isTerminal(state) || state.phase === 'paused' || state.phase === 'held') return [];
  const { retryAt } = state;
  if (retryAt !== undefined) {
    if (Date.parse(retryAt.dueAt) > at.getTime()) return [];
    if (state.phase === 'cleaning') return nextOfEnd(state);
    return retryAt.step === 'Cleanup' && state.precopy !== undefined
      ? backToWaiting(state)
      : requestCurrentStep(state);
  }
  const open = openAttempt(state);
  const endsAt = requestEndsAt(state, presence);
  if (open !== undefined && endsAt !== undefined && endsAt <= at.getTime())
    return requestExpired(state, open, at, random);
  return passDue(state, at);
}
