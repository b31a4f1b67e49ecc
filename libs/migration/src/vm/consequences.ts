import {
  type Condition,
  type DomainEvent,
  type Outcome,
  type Resource,
  type ServiceName,
  type StepError,
  resourceKey,
} from '@ledgerlift/contracts';
import { foldLive } from './evolve.js';
import { cleanupPlan } from './policies.js';
import { attemptsOf, type Kept, type VmLive } from './state.js';

/** Claims what the current step will make, then asks for it: in this order, in one append. */
export function requestCurrentStep(state: VmLive): readonly DomainEvent[] {
  const step = state.itinerary[state.at];
  if (step === undefined) return [];
  const attempt = attemptsOf(state, step.step) + 1;
  const claims = step.claims
    .filter((resource) => state.ledger[resourceKey(resource)] === undefined)
    .map((resource): DomainEvent => ({
      type: 'ResourceClaimed',
      data: { step: step.step, attempt, report: 0, resource },
    }));
  const { service, site } = step;
  return [...claims, { type: 'StepRequested', data: { step: step.step, attempt, service, site } }];
}

/** Decides once what is released and what is kept, and asks for the first clean-up. */
export function decideOutcome(state: VmLive, outcome: Outcome, cause?: StepError): readonly DomainEvent[] {
  const { release, keep } = cleanupPlan(state.ledger, outcome);
  const event: DomainEvent = {
    type: 'CleanupDecided',
    data: { outcome, release: [...release], keep: [...keep], ...(cause === undefined ? {} : { cause }) },
  };
  return [event, ...nextCleanup(foldLive(state, [event]))];
}

/** Later steps are undone first, and transfer, which owns the folder that all else lies in, goes last. */
const cleanupOrder: readonly ServiceName[] = ['vm-creator', 'converter', 'transfer'];

/**
 * The next service's clean-up, or the end.
 *
 * @param last whether the service that was cleaning up is to be asked again, or has failed for good: then what it
 *   did not release is kept, and the next one goes on
 */
export function nextCleanup(
  state: VmLive,
  last: 'ask-again' | 'given-up' = 'ask-again',
): readonly DomainEvent[] {
  const { cleanup } = state;
  if (cleanup === undefined) return [];
  const outstanding = cleanup.release.filter((resource) => state.ledger[resourceKey(resource)] !== undefined);
  const attempt = state.attempts.slice(cleanup.firstAttempt).at(-1);
  const isOver = attempt?.status === 'completed' || last === 'given-up';
  const start = attempt === undefined ? 0 : cleanupOrder.indexOf(attempt.service) + (isOver ? 1 : 0);
  const service = cleanupOrder
    .slice(start)
    .find((each) => outstanding.some((resource) => resource.service === each));
  if (service === undefined) return [terminalEvent(state, outstanding)];
  const site = state.itinerary.find((step) => step.service === service)?.site ?? 'local';
  const release = outstanding.filter((resource) => resource.service === service);
  const number = attemptsOf(state, 'Cleanup') + 1;
  return [{ type: 'StepRequested', data: { step: 'Cleanup', attempt: number, service, site, release } }];
}

function terminalEvent(state: VmLive, outstanding: readonly Resource[]): DomainEvent {
  const outcome = state.cleanup?.outcome ?? 'failed';
  const notReleased = outstanding.map((resource): Kept => ({
    resource,
    reason: 'clean-up could not release it',
  }));
  const kept = [...(state.cleanup?.keep ?? []), ...notReleased];
  switch (outcome) {
    case 'succeeded':
      return { type: 'VmMigrationSucceeded', data: { condition: succeededCondition, kept } };
    case 'canceled':
      return {
        type: 'VmMigrationCanceled',
        data: { condition: canceledCondition(state.cancel ?? ''), kept },
      };
    case 'failed':
      return {
        type: 'VmMigrationFailed',
        data: { condition: failedCondition(state.cleanup?.cause ?? lastError(state)), kept },
      };
  }
}

const lastError = (state: VmLive): StepError | undefined =>
  state.attempts.findLast((attempt) => attempt.step !== 'Cleanup' && attempt.error !== undefined)?.error;

const succeededCondition: Condition = {
  type: 'Succeeded',
  category: 'Advisory',
  reason: 'Completed',
  message: 'The migration of the VM has succeeded.',
  items: [],
  durable: true,
};

const canceledCondition = (reason: string): Condition => ({
  type: 'Canceled',
  category: 'Advisory',
  reason: 'UserRequested',
  message: `The migration of the VM was canceled: ${reason}`,
  items: [],
  durable: true,
});

const failedCondition = (error: StepError | undefined): Condition => ({
  type: 'Failed',
  category: 'Error',
  reason: error?.code ?? 'LL-MIG-005',
  message: error?.message ?? 'The migration of the VM has failed.',
  items: [],
  durable: true,
});
