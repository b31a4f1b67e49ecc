import type {
  DiskCheckpoint,
  DomainEvent,
  ItineraryStep,
  Outcome,
  Resource,
  StepError,
  StepName,
  VmSettings,
} from '@ledgerlift/contracts';
import { alwaysPresent } from '../presence.js';
import type { VmCommand } from '../vm/commands.js';
import { completedBy, itinerary, noRoot, noon, record, report, scratch } from './fixtures.js';

/** A cold VM's events, as the log has them, and commands: what a specification of its decider is given. */

/** @param retry changes to the retry policy */
export const planned = (
  retry: Partial<VmSettings['retry']> = {},
  steps: readonly ItineraryStep[] = itinerary,
): DomainEvent => {
  const settings = { ...record.settings, retry: { ...record.settings.retry, ...retry } };
  return { type: 'VmMigrationPlanned', data: { record: { ...record, settings }, itinerary: [...steps] } };
};

export const admitted: DomainEvent = { type: 'VmMigrationAdmitted', data: {} };

/** The request of a step, after the claims of its resources at the first attempt. */
export function requested(
  step: StepName,
  attempt = 1,
  steps: readonly ItineraryStep[] = itinerary,
): readonly DomainEvent[] {
  const {
    service = 'transfer',
    site = 'local',
    claims = [],
  } = steps.find((each) => each.step === step) ?? {};
  const claimed = attempt > 1 ? [] : claims;
  return [
    ...claimed.map((resource): DomainEvent => ({
      type: 'ResourceClaimed',
      data: { step, attempt, report: 0, resource },
    })),
    { type: 'StepRequested', data: { step, attempt, service, site } },
  ];
}

/** A worker claimed the attempt. */
export const started = (step: StepName, attempt = 1, worker = 'w1'): DomainEvent => ({
  type: 'StepStarted',
  data: { step, attempt, worker },
});

export const checkpointed = (
  step: StepName,
  attempt: number,
  report: number,
  checkpoint: DiskCheckpoint,
): DomainEvent => ({
  type: 'StepCheckpointed',
  data: { step, attempt, report, checkpoints: [checkpoint] },
});

/** @throws Error if the fixtures have no result of the step */
export function completed(step: StepName, attempt = 1): DomainEvent {
  const outcome = completedBy(step);
  if (outcome.kind !== 'completed') throw new Error(`the fixtures have no result of ${step}`);
  return { type: 'StepCompleted', data: { step, attempt, report: 1, result: outcome.result } };
}

/** Each of these steps was requested, claimed and completed. */
export const done = (...steps: readonly StepName[]): readonly DomainEvent[] =>
  steps.flatMap((step) => [...requested(step), started(step), completed(step)]);

export const failed = (step: StepName, error: StepError, attempt = 1): DomainEvent => ({
  type: 'StepFailed',
  data: { step, attempt, report: 1, error, lost: false },
});

/** The lease of the attempt ran out. */
export const lost = (step: StepName, attempt = 1): DomainEvent => ({
  type: 'StepFailed',
  data: {
    step,
    attempt,
    report: 0,
    error: { code: 'LL-MIG-004', class: 'transient', message: 'lost' },
    lost: true,
  },
});

/** @param dueAt noon unless given */
export const retryScheduled = (step: StepName, attempt: number, dueAt = noon.toISOString()): DomainEvent => ({
  type: 'RetryScheduled',
  data: { step, attempt, dueAt },
});

export const cancelRequested: DomainEvent = { type: 'CancelRequested', data: { reason: 'wrong VM' } };
export const retryRequested = (step: StepName): DomainEvent => ({
  type: 'RetryRequested',
  data: { step, reason: 'fixed fstab' },
});
export const abandoned: DomainEvent = { type: 'VmMigrationAbandoned', data: { reason: 'not needed' } };

/** The outcome is decided. */
export const cleanupDecided = (
  outcome: Outcome,
  release: readonly Resource[] = [],
  cause?: StepError,
): DomainEvent => ({
  type: 'CleanupDecided',
  data: {
    outcome,
    steps: [],
    release: [...release],
    keep: [],
    ...(cause === undefined ? {} : { cause }),
  },
});

/** The request to a service to release resources. */
export const cleanupRequested = (
  service: ItineraryStep['service'],
  release: readonly Resource[],
  attempt = 1,
): DomainEvent => ({
  type: 'StepRequested',
  data: { step: 'Cleanup', attempt, service, site: 'local', release: [...release] },
});

export const released = (resource: Resource): DomainEvent => ({
  type: 'ResourceReleased',
  data: { step: 'Cleanup', attempt: 1, report: 1, resource, how: 'removed' },
});

const terminal = {
  succeeded: 'VmMigrationSucceeded',
  failed: 'VmMigrationFailed',
  canceled: 'VmMigrationCanceled',
  'rolled-back': 'VmMigrationRolledBack',
} as const;

/** The VM has ended. */
export const ended = (outcome: Outcome): DomainEvent => ({
  type: terminal[outcome],
  data: {
    kept: [],
    condition: {
      type: 'Ended',
      category: 'Advisory',
      reason: 'Spec',
      message: '',
      items: [],
      durable: true,
    },
  },
});

export const claims = (
  step: 'Initialize' | 'DiskTransfer' | 'Cleanup',
  attempt = 1,
  worker = 'w1',
): VmCommand => ({
  ...{ kind: 'claim', step, attempt, worker, at: noon },
});
export const says = (
  step: 'DiskTransfer' | 'ImageConversion' | 'VirtualMachineCreation' | 'Cleanup' | 'Initialize',
  number: number,
  content: Parameters<typeof report>[3] = {},
  attempt = 1,
): VmCommand => ({ kind: 'report', report: report(step, attempt, number, content), at: noon, random: 0 });
export const loses = (step: 'DiskTransfer' | 'Initialize', attempt = 1): VmCommand => ({
  ...{ kind: 'lose', step, attempt, at: noon },
});
export const admit: VmCommand = { kind: 'admit', at: noon };
export const wake: VmCommand = { kind: 'wake', at: noon, random: 0, presence: alwaysPresent };
export const cancel: VmCommand = { kind: 'cancel', reason: 'stop' };
export const retry: VmCommand = { kind: 'retry', reason: 'now' };

export const initializing = [planned(), admitted, ...requested('Initialize')];
export const allocated = (first: DomainEvent = planned()): readonly DomainEvent[] => [
  first,
  admitted,
  ...done('Initialize', 'DiskAllocation'),
];
export const copyRequested = [...allocated(), ...requested('DiskTransfer')];
export const copying = [...copyRequested, started('DiskTransfer')];
export const copied = [...allocated(), ...done('DiskTransfer')];
export const conversionFailed = [
  ...copied,
  ...requested('ImageConversion'),
  started('ImageConversion'),
  failed('ImageConversion', noRoot),
  cleanupDecided('failed', [scratch], noRoot),
  cleanupRequested('transfer', [scratch]),
  started('Cleanup'),
  released(scratch),
  completed('Cleanup'),
  ended('failed'),
];
export const checkpoint = (bytesDone: number) => ({
  diskId: 'd0',
  momentId: 'off-1',
  bytesDone,
  bytesTotal: 100,
  manifestDigest: `digest-of-${bytesDone}`,
});
