import { type DomainEvent, type ServiceName, resourceKey } from '@ledgerlift/contracts';
import { decideOutcome, requestCleanup } from './ending.js';
import { targetWasLetGoError, wouldOverwriteTarget } from './let-go.js';
import { attemptsOf, type VmLive } from './state.js';
import { asked } from './removal-slot.js';

/**
 * Claims the resources that the current step will make, then requests the step, in one append. If the remaining steps would
 * overwrite a target that was allowed to start, the migration fails instead.
 */
export function requestCurrentStep(state: VmLive): readonly DomainEvent[] {
  const step = state.itinerary[state.at];
  if (step === undefined) return [];
  if (wouldOverwriteTarget(state)) return decideOutcome(state, 'failed', targetWasLetGoError);
  const first = clearedFirst(state);
  if (first !== undefined) return [first];
  const attempt = attemptsOf(state, step.step) + 1;
  const claims = step.claims
    .map((resource) => ({ ...resource, name: resource.name.replace('{round}', String(state.round)) }))
    .filter((resource) => state.ledger[resourceKey(resource)] === undefined)
    .map((resource): DomainEvent => ({
      type: 'ResourceClaimed',
      data: { step: step.step, attempt, report: 0, resource },
    }));
  const { service, site, hook } = step;
  return [
    ...claims,
    asked(state, { step: step.step, attempt, service, site, ...(hook === undefined ? {} : { hook }) }),
  ];
}

/**
 * No round writes to the base of an existing overlay: remains of a conversion, test boot or round are removed first.
 */
function clearedFirst(state: VmLive): ReturnType<typeof asked> | undefined {
  if (state.itinerary[state.at]?.part === 'test') return undefined;
  const writes = state.itinerary.slice(state.at).some(({ step }) => step === 'DiskTransfer');
  if (!writes) return undefined;
  // One snapshot at a time: parts of a lost one may still exist.
  const isMade = state.itinerary[state.at]?.step === 'SnapshotCreation';
  const inTheWay = Object.values(state.ledger).filter(
    ({ kind, name }) =>
      kind === 'overlay' ||
      kind === 'commit-marker' ||
      (isMade && kind === 'snapshot' && !name.endsWith(`-${state.round}`)),
  );
  const service: ServiceName | undefined = inTheWay[0]?.service;
  if (service === undefined) return undefined;
  return requestCleanup(
    state,
    service,
    inTheWay.filter((resource) => resource.service === service),
  );
}
