import {
  type DomainEvent,
  type Resource,
  type SourceDisk,
  type StepName,
  resourceKey,
} from '@ledgerlift/contracts';
import { isOpen } from '../../schedule/windows.js';
import { forecastOf } from '../../vm/forecast.js';
import type { Windows } from '../../vm/power-off.js';
import {
  awaitedRemovalOf,
  isDecided,
  isTargetDeleted,
  isTerminal,
  isWarm,
  openAttempt,
  type VmLive,
} from '../../vm/state.js';
import type { World } from './world.js';

/** Laws that must hold after every event of every history. Each throws if it is broken. */

export class LawBroken extends Error {}

const NOT_RELEASED = 'clean-up could not release it';

const law = (holds: boolean, what: string): void => {
  if (!holds) throw new LawBroken(what);
};

export function checkEvent(before: VmLive, event: DomainEvent): void {
  const isAsked = operatorsWords.has(event.type) || (event.type === 'CleanupDecided' && mayEndAgain(before));
  law(!isTerminal(before) || isAsked, `${event.type} moved a VM that had ${before.phase}`);
  if (event.type === 'StepRequested') {
    law(openAttempt(before) === undefined, `${event.data.step} was requested beside another attempt`);
    law(before.phase !== 'paused', `${event.data.step} was requested although the VM is paused`);
    const merges = mergedDisks(before, event.data).length > 0;
    law(
      !merges || awaitedRemovalOf(before) !== undefined,
      `${event.data.step} was requested without a removal slot`,
    );
    if (event.data.step === 'SnapshotRemoval') {
      const made = before.results.some(({ step }) => step === 'SnapshotCreation');
      law(made, 'a snapshot is removed before its change ids are in the log');
    }
    if (event.data.step === 'SnapshotCreation') {
      const others = Object.values(before.ledger).filter(
        ({ kind, name }) => kind === 'snapshot' && !name.endsWith(`-${before.round}`),
      );
      law(others.length === 0, 'a snapshot is made beside another');
    }
    if (event.data.step === 'DiskTransfer') {
      const overlays = Object.values(before.ledger).filter(({ kind }) => kind === 'overlay');
      law(overlays.length === 0, 'a round is requested although an overlay over its base exists');
    }
    const numbers = before.attempts
      .filter(({ step }) => step === event.data.step)
      .map(({ attempt }) => attempt);
    law(!numbers.includes(event.data.attempt), `attempt ${event.data.attempt} of ${event.data.step} twice`);
  }
}

const overwrites: ReadonlySet<StepName> = new Set([
  'DiskAllocation',
  'DiskTransfer',
  'ImageConversion',
  'ImageCommit',
]);

/** No step may overwrite what a target wrote since it was allowed to start. */
export function checkTarget(event: DomainEvent, world: World): void {
  if (event.type !== 'StepRequested' || !overwrites.has(event.data.step)) return;
  law(!world.targetIsLetGo, `${event.data.step} was requested over a target that was allowed to start`);
}

/** The disks that the step merges with the contents of their snapshots. */
export function mergedDisks(
  { record, results }: VmLive,
  { step, release = [] }: { readonly step: StepName; readonly release?: readonly Resource[] | undefined },
): readonly SourceDisk[] {
  const begins = record.settings.warm.enableChangeTracking && step === 'SnapshotCreation';
  if (begins && !results.some((result) => result.step === 'SnapshotCreation')) return record.source.vm.disks;
  const removes = step === 'SnapshotRemoval' || release.some(({ kind }) => kind === 'snapshot');
  return removes ? record.source.vm.disks : [];
}

const operatorsWords = new Set<DomainEvent['type']>([
  'RetryRequested',
  'VmMigrationAbandoned',
  'RollbackRequested',
  'CleanupRequested',
]);
/** The clean-up follows in the same append as its request. */
const mayEndAgain = (state: VmLive): boolean =>
  isDecided(state) && (state.rollback !== undefined || state.isAbandoned || state.laterCleanups > 0);

/** @param at when the attempt that powered the source off was claimed */
export function checkPowerOff(state: VmLive, at: Date, windows: Windows): void {
  const outside = 'the source is powered off outside its maintenance window';
  const {
    cutover: { scheduled },
    record,
  } = state;
  if (!isWarm(state)) return law(isOpen(windows.flat(), at), outside);
  const policy = record.settings.warm.cutover;
  const isKept = scheduled?.by === 'window' || scheduled?.by === 'downtime' || scheduled?.windows === 'kept';
  if (!isKept || (policy.by !== 'window' && policy.by !== 'downtime')) return;
  law(isOpen(policy.windows, at), outside);
  if (scheduled.by !== 'downtime' || policy.by !== 'downtime') return;
  law(
    forecastOf(state, at).downtimeMs <= policy.maxDowntimeMs,
    'the source is powered off although its downtime is over the limit',
  );
}

/** Laws about decisions on a cutover. */
export function checkCutover(
  before: VmLive,
  event: DomainEvent,
  { by, events }: { readonly by: string | undefined; readonly events: readonly DomainEvent[] },
): void {
  const { cutover, record } = before;
  if (event.type === 'CutoverApproved')
    law(by !== undefined && by !== cutover.scheduled?.askedBy, 'the requester of a cutover approved it');
  if (event.type === 'CutoverStarted' && record.settings.approve.cutover) {
    const last = events.findLast(({ type }) => CUTOVER_WORDS.has(type));
    law(last?.type === 'CutoverApproved', 'a cutover begins whose current request nobody approved');
  }
}

const CUTOVER_WORDS = new Set<DomainEvent['type']>([
  'CutoverScheduled',
  'CutoverDeferred',
  'CutoverWithdrawn',
  'CutoverApproved',
]);

export function checkWorld(state: VmLive, world: World): void {
  law(!(world.targetRuns && world.power === 'on'), 'source and target run at the same time');
  law(
    !(world.targetHasRun && world.targetDisk === 'deleted') || isTargetDeleted(state),
    'a target that has run was deleted without a request',
  );
  law(
    world.wasOn || state.attempts.every(({ step }) => step !== 'SourcePowerOn'),
    'a source that was off was powered on',
  );
  if (!isTerminal(state)) return;
  law(openAttempt(state) === undefined, 'an attempt is open at the end');
  const kept = new Map(state.kept.map(({ resource, reason }) => [resourceKey(resource), reason]));
  for (const name of world.snapshots.keys()) {
    law(kept.get(`snapshot:${name}`) === NOT_RELEASED, `the snapshot ${name} is left at the source`);
  }
  if (world.overlays.has('test')) {
    const isTold = [...kept].some(([key, reason]) => key.includes('.test.') && reason === NOT_RELEASED);
    law(isTold, 'the overlay of a test boot is left behind');
  }
  for (const { resource, reason } of state.kept) {
    const wasTried = state.attempts.some(
      ({ step, service, status }) =>
        step === 'Cleanup' && service === resource.service && status === 'failed',
    );
    law(reason !== NOT_RELEASED || wasTried, `nobody tried to release ${resource.kind} ${resource.name}`);
  }
  if (state.phase === 'succeeded') checkSuccess(state, world);
  if (state.phase === 'failed' || state.phase === 'canceled') checkFailure(state, world);
  if (state.phase === 'rolled-back') {
    law(
      (world.power === 'on' || !world.wasOn) && !world.targetRuns,
      'after a rollback, the source must be as before and the target stopped',
    );
  }
}

/** The target has every write of the source, and is converted as a whole. */
function checkSuccess({ record }: VmLive, world: World): void {
  const runs = record.powerState === 'on' || (record.powerState === 'auto' && world.wasOn);
  law(
    world.power === 'off' && world.targetRuns === runs,
    'after a success, the source is off and the target runs or not as planned',
  );
  world.target.forEach(({ write, converted }, index) => {
    law(
      write === world.chunks[index],
      `chunk ${index} holds write ${write}, and the source ${world.chunks[index]}`,
    );
    law(converted === 1, `chunk ${index} was converted ${converted} times`);
  });
}

/** The source is never left worse: it runs again, unless the target runs, or may run. */
function checkFailure(state: VmLive, world: World): void {
  if (!state.record.settings.powerOnSourceAfterFailure || !world.wasOn) return;
  const isGivenUp = state.conditions.some(({ type }) => type === 'NotDoneAtTheEnd');
  if (world.targetRuns || isGivenUp) return;
  law(world.power === 'on', `the VM has ${state.phase}, and its source was left off`);
}
