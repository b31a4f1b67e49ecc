import {
  type Condition,
  type DomainEvent,
  type EndingStep,
  type LaterCleanup,
  type Outcome,
  type Resource,
  type ServiceName,
  type StepError,
  resourceKey,
  siteOfPod,
} from '@ledgerlift/contracts';
import { foldLive } from './evolve.js';
import { targetStarts } from './let-go.js';
import { type CleanupPolicy, cleanupPlan } from './policies.js';
import {
  attemptsOf,
  attemptsOfEnd,
  hookOf,
  isDecided,
  isTerminal,
  lastResult,
  startedSince,
  type AttemptState,
  type Kept,
  type VmCleaning,
  type VmEnded,
  type VmLive,
} from './state.js';
import { asked } from './removal-slot.js';

/**
 * Decides once, at the end, which steps remain and which resources are released or kept, and requests the first step.
 */
export function decideOutcome(
  state: VmLive,
  outcome: Outcome,
  cause?: StepError,
  policy: CleanupPolicy = outcome,
): readonly DomainEvent[] {
  const { release, keep } = cleanupPlan(state.ledger, policy, targetStarts(state));
  const event: DomainEvent = {
    type: 'CleanupDecided',
    data: {
      outcome,
      steps: policy === 'abandoned' ? [] : endingSteps(state, outcome),
      release: [...release],
      keep: [...keep],
      ...(cause === undefined ? {} : { cause }),
    },
  };
  return [event, ...nextOfEnd(foldLive(state, [event]))];
}

/**
 * Starts a clean-up after the end: of leftovers, by the rules of the outcome, or of the target.
 * @returns no events if nothing is left to remove
 */
export function decideLaterCleanup(
  state: VmLive,
  reason: string,
  what: LaterCleanup,
): readonly DomainEvent[] {
  if (!isTerminal(state)) return [];
  const { phase: outcome } = state;
  const policy = what === 'target' ? 'target' : state.isAbandoned ? 'abandoned' : outcome;
  const { release, keep } = cleanupPlan(state.ledger, policy, targetStarts(state));
  if (release.length === 0) return [];
  const { cause } = state.cleanup;
  const events: DomainEvent[] = [
    { type: 'CleanupRequested', data: { reason, what } },
    {
      type: 'CleanupDecided',
      data: {
        outcome,
        steps: what === 'target' ? backFromTarget(state) : [],
        release: [...release],
        keep: [...keep],
        later: what,
        ...(cause === undefined ? {} : { cause }),
      },
    },
  ];
  return [...events, ...nextOfEnd(foldLive(state, events))];
}

/** Resources that the clean-up could not release, and that a later one would. */
export function leftoversOf(state: VmLive): readonly Resource[] {
  if (!isTerminal(state)) return [];
  const policy = state.isAbandoned ? 'abandoned' : state.phase;
  return cleanupPlan(state.ledger, policy, targetStarts(state)).release;
}

/** Resources of a target that was allowed to start. Only an operator's `delete-target` removes them. */
export const deletableTarget = (state: VmLive): readonly Resource[] =>
  state.phase !== 'succeeded' && isTerminal(state) && targetStarts(state) === 'allowed'
    ? Object.values(state.ledger).filter(({ lifetime }) => lifetime === 'result')
    : [];

/** Steps to do before resources are released. The source and its target never run at the same time. */
function endingSteps(state: VmLive, outcome: Outcome): EndingStep[] {
  const { settings } = state.record;
  const step = (name: EndingStep['step'], service: ServiceName, hook?: string): EndingStep =>
    endingStep(state, name, service, hook);
  if (outcome === 'succeeded') {
    const { disconnectNics, renameSuffix, tag } = settings.retireSource;
    const isRetired = disconnectNics || renameSuffix !== undefined || tag !== undefined;
    return isRetired ? [step('SourceRetirement', 'transfer')] : [];
  }
  if (outcome === 'rolled-back')
    return [
      step('TargetPowerOff', 'vm-creator'),
      // Before the power-on, so that the source starts with its network and its name.
      ...(startedSince(state, 'SourceRetirement', 'SourceRestoration').length > 0
        ? [step('SourceRestoration', 'transfer')]
        : []),
      ...(sourceWasOn(state) ? [step('SourcePowerOn', 'transfer')] : []),
    ];
  const hooks = settings.hooks.filter(
    ({ at, scope }) => outcome === 'failed' && at === 'failure' && scope !== 'plan',
  );
  // Once the target runs, only an explicit rollback goes back: neither a failure nor a cancel stops it.
  const isLeft = targetStart(state) === 'done';
  return [
    ...(isLeft ? [] : backFromTarget(state)),
    ...hooks.map((hook) =>
      step('FailureHook', hook.run.kind === 'event' ? 'external' : 'transfer', hook.name),
    ),
  ];
}

const endingStep = (
  state: VmLive,
  step: EndingStep['step'],
  service: ServiceName,
  hook?: string,
): EndingStep => ({
  step,
  service,
  site: siteOf(state, service),
  ...(hook === undefined ? {} : { hook }),
});

/** Confirms that the target is stopped, then powers on the source if we powered it off. */
function backFromTarget(state: VmLive): EndingStep[] {
  const isOffByUs = sourceIsOffByUs(state);
  const target = targetStart(state);
  const mustStop = target !== 'not-asked' && (isOffByUs || target !== 'halted');
  return [
    ...(mustStop ? [endingStep(state, 'TargetPowerOff', 'vm-creator')] : []),
    ...(isOffByUs ? [endingStep(state, 'SourcePowerOn', 'transfer')] : []),
  ];
}

/**
 * A requested start counts as done until the target is confirmed stopped. `halted`: the target exists and was not to be
 * started, so only somebody else can have started it.
 */
function targetStart(state: VmLive): 'not-asked' | 'asked' | 'done' | 'halted' {
  const asked = startedSince(state, 'FinalPowerActions', 'TargetPowerOff');
  if (asked.length === 0) return 'not-asked';
  if (asked.at(-1)?.status !== 'completed') return 'asked';
  return targetIsToRun(state) ? 'done' : 'halted';
}

/** `auto`: the target runs if the source ran when its migration began. */
function targetIsToRun(state: VmLive): boolean {
  const { powerState, source } = state.record;
  if (powerState !== 'auto') return powerState === 'on';
  return (lastResult(state, 'Initialize')?.powerState ?? source.vm.powerState) === 'on';
}

/** As recorded before we changed the source. */
const sourceWasOn = (state: VmLive): boolean => lastResult(state, 'Initialize')?.powerState === 'on';

function sourceIsOffByUs(state: VmLive): boolean {
  return (
    state.record.settings.powerOnSourceAfterFailure &&
    sourceWasOn(state) &&
    startedSince(state, 'SourcePowerOff', 'SourcePowerOn').length > 0
  );
}

/** Later steps are undone first. Transfer goes last, because it owns the folder that holds everything else. */
const cleanupOrder: readonly ServiceName[] = ['vm-creator', 'converter', 'transfer'];

/**
 * The next step of the end, the next service's clean-up, or the end itself.
 *
 * @param last whether to request the current step again, or give it up: then the resources that it did not release are kept,
 *   and the next step follows
 */
export function nextOfEnd(
  state: VmLive,
  last: 'ask-again' | 'given-up' = 'ask-again',
): readonly DomainEvent[] {
  if (!isDecided(state)) return [];
  const { cleanup } = state;
  const [step] = cleanup.steps;
  const attempt = attemptsOfEnd(state).at(-1);
  if (step !== undefined) {
    if (last === 'ask-again' || attempt === undefined) return [requestEnding(state, step)];
    const passed: DomainEvent = {
      type: 'StepPassedOver',
      data: { step: attempt.step, attempt: attempt.attempt },
    };
    const told: DomainEvent = {
      type: 'ConditionRaised',
      data: {
        step: attempt.step,
        attempt: attempt.attempt,
        report: attempt.lastReport,
        condition: notDone(attempt),
      },
    };
    return [told, passed, ...nextOfEnd(foldLive(state, [told, passed]))];
  }
  const outstanding = cleanup.release.filter((resource) => state.ledger[resourceKey(resource)] !== undefined);
  const cleaned = attempt?.step === 'Cleanup' ? attempt : undefined;
  const isOver = cleaned?.status === 'completed' || (cleaned !== undefined && last === 'given-up');
  const queue = cleanupOrder.flatMap((each) => cleanup.release.filter(({ service }) => service === each));
  const asked = new Set(cleaned?.release.map(resourceKey));
  const isAsked = (resource: Resource): boolean => asked.has(resourceKey(resource));
  const from = isOver ? queue.findLastIndex(isAsked) + 1 : Math.max(0, queue.findIndex(isAsked));
  const left = queue.slice(from).filter((resource) => state.ledger[resourceKey(resource)] !== undefined);
  const service = left[0]?.service;
  if (service === undefined) return [terminalEvent(state, outstanding)];
  return [
    requestCleanup(
      state,
      service,
      left.filter((resource) => resource.service === service),
    ),
  ];
}

/** The most resources in one request, because a message is limited. The next request names the others. */
const MOST_RELEASED = 500;

export const requestCleanup = (
  state: VmLive,
  service: ServiceName,
  release: readonly Resource[],
): ReturnType<typeof asked> =>
  asked(state, {
    step: 'Cleanup',
    attempt: attemptsOf(state, 'Cleanup') + 1,
    service,
    site: siteOf(state, service),
    release: release.slice(0, MOST_RELEASED),
  });

const requestEnding = (state: VmLive, { step, service, site, hook }: EndingStep): DomainEvent => ({
  type: 'StepRequested',
  data: {
    step,
    attempt: attemptsOf(state, step) + 1,
    service,
    site,
    ...(hookOf(state, hook) === undefined || hook === undefined ? {} : { hook }),
  },
});

/** Never the VM's own pod: the clean-up removes that, too. */
function siteOf({ itinerary }: VmLive, service: ServiceName): string {
  const site = itinerary.find((step) => step.service === service)?.site ?? itinerary[0]?.site ?? 'local';
  return siteOfPod(site) ?? site;
}

function terminalEvent(state: VmCleaning | VmEnded, outstanding: readonly Resource[]): DomainEvent {
  const { outcome, cause, isIncomplete, later } = state.cleanup;
  const listed = new Set(
    [...state.cleanup.keep.map(({ resource }) => resource), ...outstanding].map(resourceKey),
  );
  const { keep } = cleanupPlan(state.ledger, outcome, targetStarts(state));
  const kept = [
    // Since the decision, some of these may have been released, and the steps of the end may have made others.
    ...state.cleanup.keep.filter(({ resource }) => state.ledger[resourceKey(resource)] !== undefined),
    ...keep.filter(({ resource }) => !listed.has(resourceKey(resource))),
    ...outstanding.map((resource): Kept => ({ resource, reason: 'clean-up could not release it' })),
    ...Object.values(state.adopted).map((resource): Kept => ({
      resource,
      reason: 'it existed before the migration',
    })),
  ];
  switch (outcome) {
    case 'succeeded':
      return { type: 'VmMigrationSucceeded', data: { condition: succeededCondition, kept } };
    case 'canceled':
      return {
        type: 'VmMigrationCanceled',
        data: { condition: canceledCondition(state), kept },
      };
    case 'rolled-back':
      return isIncomplete && later === undefined
        ? { type: 'VmMigrationFailed', data: { condition: failedCondition(rollbackIncomplete), kept } }
        : { type: 'VmMigrationRolledBack', data: { condition: rolledBackCondition(state), kept } };
    case 'failed':
      return {
        type: 'VmMigrationFailed',
        data: { condition: failedCondition(cause ?? lastError(state)), kept },
      };
  }
}

const lastError = (state: VmLive): StepError | undefined =>
  state.attempts.findLast((attempt) => attempt.step !== 'Cleanup' && attempt.error !== undefined)?.error;

const condition = (
  type: string,
  category: Condition['category'],
  reason: string,
  message: string,
): Condition => ({ type, category, reason, message, items: [], durable: true });

const succeededCondition = condition(
  'Succeeded',
  'Advisory',
  'Completed',
  'The migration of the VM has succeeded.',
);
const canceledCondition = (state: VmLive): Condition =>
  condition(
    'Canceled',
    'Advisory',
    'UserRequested',
    `The migration of the VM was canceled: ${state.cancel ?? ''}` +
      (targetStart(state) === 'done'
        ? ' Its target had been started and was left as it is; a rollback goes back to the source.'
        : ''),
  );
const rolledBackCondition = (state: VmCleaning | VmEnded): Condition =>
  condition(
    'RolledBack',
    'Warn',
    'UserRequested',
    `The target is stopped and ${sourceNow(state)}: ${state.rollback?.reason ?? ''} Data written at the target from ` +
      `${state.rollback?.lostFrom ?? ''} to ${state.rollback?.lostTo ?? ''} is not in the source.`,
  );

/** The state of the source after a rollback, in words. */
function sourceNow(state: VmLive): string {
  const switchedOn = attemptsOfEnd(state).some(
    ({ step, status }) => step === 'SourcePowerOn' && status === 'completed',
  );
  if (!switchedOn) {
    const before = lastResult(state, 'Initialize')?.powerState ?? 'unknown';
    return `the source is left off (it was ${before} before its migration)`;
  }
  const now = lastResult(state, 'SourcePowerOn')?.powerState ?? 'unknown';
  return now === 'on' ? 'the source runs again' : `the source is ${now}`;
}
const failedCondition = (error: StepError | undefined): Condition =>
  condition(
    'Failed',
    'Error',
    error?.code ?? 'LL-MIG-005',
    error?.message ?? 'The migration of the VM has failed.',
  );
const rollbackIncomplete: StepError = {
  code: 'LL-MIG-008',
  class: 'needs-operator',
  message:
    'the rollback is incomplete: the conditions say what failed; fix it, then request the rollback again',
};
const notDone = ({ step, error }: AttemptState): Condition =>
  condition(
    'NotDoneAtTheEnd',
    'Warn',
    error?.code ?? 'LL-MIG-005',
    `${step} failed: ${error?.message ?? 'no reason was given'}`,
  );
