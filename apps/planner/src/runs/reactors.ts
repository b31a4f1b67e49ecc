import type { DomainEvent, EventOf } from '@ledgerlift/contracts';
import type { StoredEvent } from '@ledgerlift/event-log';
import {
  type Presence,
  type RunState,
  type VmCommand,
  type VmLive,
  awaitsPlanHooks,
  cutoverDueAt,
  decideRunCompletion,
  decideWaveAfter,
  isBeforeCutover,
  isTerminal,
  pauseOf,
  mayTakeRemovalSlot,
  removalChange,
  stopWanted,
  wakeAt,
  holdsSlot,
} from '@ledgerlift/migration';
import { areHooksDone, hooksDue, hooksToCancel, isPlanHook, namesOfHooks, nextHook } from './plan-hooks.js';
import type { RunStates } from './run-states.js';
import { SCHEDULE_STREAM, isRunStream, isVmStream, migrationOfStream, vmStream } from './stream-names.js';

/**
 * Everything that follows from an event, in one place. The event only says which subject changed; the reactors decide from the
 * current states. So the same reactors handle live events, the catch-up after a restart, and the reconcile every 30 seconds
 * that repeats reactions that failed. Reacting twice is harmless: each command is decided again on its stream's state.
 *
 * | event of | reactors |
 * | --- | --- |
 * | a VM (`StepCompleted`, `VmMigrationHeld`, …) | `clock`, `stop`, `slotRequest`, `cutoverHooks`; at its end `runEnd`, `planHooks` |
 * | a hook of a plan | `clock`, `stop`, `hookDone` |
 * | a run (`MigrationStarted`, `WaveStarted`, …) | `steering`, `runEnd`, `planHooks`, `slotRequests` |
 * | the schedule (`VmAdmitted`, `ScheduleLimitsSet`) | `admitted`; a new admission round |
 *
 * A VM's next step is not a reaction: the VM's decider requests it in the same append that ends the step before
 * (`libs/migration`: `attempts.ts` decides retries, `passes.ts` cutovers, `schedule.ts` admissions).
 */
export type Subject =
  | { readonly of: 'vm'; readonly stream: string }
  | { readonly of: 'run'; readonly migrationId: string }
  | { readonly of: 'slot'; readonly migrationId: string; readonly vm: number }
  | { readonly of: 'schedule' };

/** Subjects that a restarted planner checks: open runs and VMs, and every VM that holds or waits for a slot. */
export function openSubjects(states: RunStates): readonly Subject[] {
  const { running, waiting, removals } = states.schedule;
  return [
    ...states.openRuns().map(({ migrationId }): Subject => ({ of: 'run', migrationId })),
    ...[...states.index.open].map((stream): Subject => ({ of: 'vm', stream })),
    ...[...running.values()].map(({ migrationId, vm }): Subject => ({ of: 'slot', migrationId, vm })),
    ...[...waiting, ...removals.all()].map(({ migrationId, vm }): Subject => ({
      of: 'vm',
      stream: vmStream(migrationId, vm),
    })),
    { of: 'schedule' },
  ];
}

/** One thing to do. */
export type Reaction =
  | {
      readonly kind: 'command';
      readonly stream: string;
      readonly command: VmCommand;
      /** If the cause is an event of this type, the command is recorded under the actor of that event. */
      readonly askedIn?: 'MigrationCancelRequested' | 'MigrationPauseRequested';
    }
  | {
      readonly kind: 'run';
      readonly migrationId: string;
      readonly decide: (run: RunState) => readonly DomainEvent[];
    }
  /** Run an admission round; `stream`: the VM whose slot request may have changed. */
  | { readonly kind: 'admission'; readonly stream?: string }
  /** Tell the VM's worker to stop. */
  | { readonly kind: 'stop'; readonly stream: string; readonly reason: string }
  /** Check the VM again at a time in milliseconds since 1970; undefined cancels the timer. */
  | { readonly kind: 'check again'; readonly stream: string; readonly at: number | undefined };

/** Time and chance, passed in so that reactors stay pure. */
export interface Moment {
  readonly at: Date;
  /** In [0, 1). */
  readonly random: number;
  /** Time limits count only the time in which a planner led. */
  readonly presence: Presence;
}

/** @returns the subject that the event changed; undefined if no reactor handles it */
export function subjectOf({ stream, type, data }: StoredEvent): Subject | undefined {
  if (isVmStream(stream)) return { of: 'vm', stream };
  if (isRunStream(stream)) return { of: 'run', migrationId: migrationOfStream(stream) };
  if (stream !== SCHEDULE_STREAM) return undefined;
  if (type === 'ScheduleLimitsSet') return { of: 'schedule' };
  if (type !== 'VmAdmitted') return undefined;
  const { migrationId, vm } = data as EventOf<'VmAdmitted'>['data'];
  return { of: 'slot', migrationId, vm };
}

/** All reactions to the subject's current state. Pure. */
export function reactionsTo(subject: Subject, states: RunStates, moment: Moment): readonly Reaction[] {
  switch (subject.of) {
    case 'vm': {
      const { stream } = subject;
      const state = states.vm(stream);
      if (state === undefined) return [];
      const always = [...clock(stream, state, moment), ...stop(stream, state)];
      return isPlanHook(state)
        ? [...always, ...hookDone(state, states, moment)]
        : [
            ...always,
            ...slotRequest(stream, state, states),
            ...cutoverHooks(stream, state, states, moment),
            ...atEnd(state, states, moment),
          ];
    }
    case 'run': {
      const run = states.run(subject.migrationId);
      return run === undefined
        ? []
        : [
            ...steering(run, states),
            ...runEnd(run, states),
            ...planHooks(run, states, moment),
            ...slotRequests(run, states),
          ];
    }
    case 'slot':
      return admitted(vmStream(subject.migrationId, subject.vm), states, moment);
    case 'schedule':
      return [{ kind: 'admission' }];
  }
}

// ---- events of a VM, or of a plan's hook

/** Wakes the VM when a retry, a time limit, the next round or its cutover is due, and sets the timer for the next one. */
function clock(stream: string, state: VmLive, { at, random, presence }: Moment): readonly Reaction[] {
  const wake = wakeAt(state, presence);
  const cutover = waitsForPlanHooks(state) ? cutoverDueAt(state) : undefined;
  const next = [wake, cutover].filter((time) => time !== undefined).filter((time) => time > at.getTime());
  const again: Reaction = {
    kind: 'check again',
    stream,
    at: next.length === 0 ? undefined : Math.min(...next),
  };
  return wake !== undefined && wake <= at.getTime()
    ? [{ kind: 'command', stream, command: { kind: 'wake', at, random, presence } }, again]
    : [again];
}

/** Tells the worker to stop at once; otherwise it would learn only at its next lease renewal. */
function stop(stream: string, state: VmLive): readonly Reaction[] {
  const reason = stopWanted(state);
  return reason === undefined ? [] : [{ kind: 'stop', stream, reason }];
}

/** Asks for a round if the VM wants a slot or a removal slot, or no longer needs its own. */
function slotRequest(
  stream: string,
  state: VmLive,
  { schedule: { removals } }: RunStates,
): readonly Reaction[] {
  const isConcerned =
    !holdsSlot(state) || removalChange(removals, state).length > 0 || mayTakeRemovalSlot(removals, state);
  return isConcerned ? [{ kind: 'admission', stream }] : [];
}

/** Releases the VM's cutover once the plan's cutover hooks have succeeded; begins the next of them once a cutover is due. */
function cutoverHooks(stream: string, state: VmLive, states: RunStates, { at }: Moment): readonly Reaction[] {
  const run = states.run(state.record.migrationId);
  if (run === undefined || !waitsForPlanHooks(state)) return [];
  if (areHooksDone(run, states, 'cutover'))
    return [
      {
        kind: 'command',
        stream,
        command: { kind: 'release-cutover', hooks: namesOfHooks(run, 'cutover') },
      },
    ];
  const dueAt = cutoverDueAt(state);
  if (dueAt === undefined || dueAt > at.getTime() || run.intent.kind === 'cancel') return [];
  const next = nextHook(run, states, 'cutover');
  return next === undefined ? [] : [begin(next, at)];
}

const waitsForPlanHooks = (state: VmLive): boolean =>
  awaitsPlanHooks(state) && isBeforeCutover(state) && !isTerminal(state);

/** The last VM of a wave or of the run may have ended. */
function atEnd(state: VmLive, states: RunStates, moment: Moment): readonly Reaction[] {
  const { migrationId } = state.record;
  const run = isTerminal(state) ? states.run(migrationId) : undefined;
  return run === undefined ? [] : [...runEnd(run, states), ...planHooks(run, states, moment)];
}

/** Starts the next wave, or completes the run. */
function runEnd(run: RunState, states: RunStates): readonly Reaction[] {
  const { migrationId } = run;
  const decide = (now: RunState): readonly DomainEvent[] => {
    const { open, phases, waves } = states.tally(migrationId);
    const wave = waves.get(now.wave);
    const { succeeded, failed, canceled, 'rolled-back': rolledBack } = phases;
    return [
      // Retries after the run's end start no wave.
      ...(wave === undefined || now.completed !== undefined ? [] : decideWaveAfter(now, wave)),
      ...(open.size > 0 ? [] : decideRunCompletion(now, { succeeded, failed, canceled, rolledBack })),
    ];
  };
  return decide(run).length === 0 ? [] : [{ kind: 'run', migrationId, decide }];
}

/** Begins the next hook, and lets the VMs continue that waited for this one. */
function hookDone(hook: VmLive, states: RunStates, moment: Moment): readonly Reaction[] {
  const run = states.run(hook.record.migrationId);
  if (run === undefined) return [];
  const next = planHooks(run, states, moment);
  if (hook.phase !== 'succeeded') return next;
  const waiting = [...states.tally(run.migrationId).open].flatMap((stream) => {
    const state = states.vm(stream);
    return state === undefined ? [] : cutoverHooks(stream, state, states, moment);
  });
  return [...next, ...slotRequests(run, states), ...waiting];
}

// ---- events of a run

/** Cancels or pauses each VM of a canceled or paused run. */
function steering({ migrationId, intent }: RunState, states: RunStates): readonly Reaction[] {
  if (intent.kind === 'proceed') return [];
  const { reason } = intent;
  return [...states.tally(migrationId).open].flatMap((stream): readonly Reaction[] => {
    const state = states.vm(stream);
    if (state === undefined || state.cancel !== undefined || state.phase === 'cleaning') return [];
    if (intent.kind === 'cancel') {
      const command = { kind: 'cancel', reason } as const;
      return [{ kind: 'command', stream, command, askedIn: 'MigrationCancelRequested' }];
    }
    if (pauseOf(state) !== undefined || state.phase === 'held') return [];
    const command = { kind: 'pause', reason } as const;
    return [{ kind: 'command', stream, command, askedIn: 'MigrationPauseRequested' }];
  });
}

/** Begins the plan's hooks that are due, and cancels the others if the run is canceled. */
function planHooks(run: RunState, states: RunStates, { at }: Moment): readonly Reaction[] {
  const reason = run.intent.kind === 'cancel' ? run.intent.reason : undefined;
  const canceled =
    reason === undefined
      ? []
      : hooksToCancel(run, states).map((hook): Reaction => ({
          kind: 'command',
          stream: streamOf(hook),
          command: { kind: 'cancel', reason },
        }));
  return [...canceled, ...hooksDue(run, states).map((hook) => begin(hook, at))];
}

/** Requests slots for the run's VMs. The admission enqueues those whose wave has started, after approval and hooks. */
const slotRequests = (run: RunState, states: RunStates): readonly Reaction[] =>
  [...states.tally(run.migrationId).open].flatMap((stream): readonly Reaction[] =>
    states.vm(stream)?.phase === 'planned' ? [{ kind: 'admission', stream }] : [],
  );

// ---- events of the schedule

/** Starts the VM that holds a slot, or returns the slot if the VM was paused or canceled meanwhile. */
function admitted(stream: string, states: RunStates, { at }: Moment): readonly Reaction[] {
  const state = states.vm(stream);
  if (state === undefined || holdsSlot(state)) return [];
  return state.phase === 'planned' ? [begin(state, at)] : [{ kind: 'admission', stream }];
}

const begin = (state: VmLive, at: Date): Reaction => ({
  kind: 'command',
  stream: streamOf(state),
  command: { kind: 'admit', at },
});
const streamOf = ({ record }: VmLive): string => vmStream(record.migrationId, record.index);
