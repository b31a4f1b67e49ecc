import type { DomainEvent, Progress, ScheduleLimits, VmRecord } from '@ledgerlift/contracts';
import type { EventLog, StoredEvent } from '@ledgerlift/event-log';
import {
  CommandRefused,
  type RunState,
  Schedule,
  type VmCommand,
  type VmLive,
  type VmState,
  decideNextWave,
  decideRunApproval,
  decideRunCancel,
  decideRunCompletion,
  decideRunPause,
  decideRunResume,
  decideWaveAfter,
  decideVm,
  evolveRun,
  evolveVm,
  fairShares,
  holdsPlace,
  initialVmState,
  isTerminal,
  openAttempt,
  stopWanted,
  wakeAt,
  wavesOf,
} from '@ledgerlift/migration';
import { itineraryFor } from '@ledgerlift/targets';
import { v7 as uuidv7 } from 'uuid';
import { type Decided, DecidedStreams } from '../log/decided-streams.js';
import type { CommandContext, EventWriter } from '../log/event-writer.js';
import { DueTimers } from './due-timers.js';
import { entryOf } from './schedule-entry.js';
import type { MigrationRun, OperatorCommand, ResolvedPlan, RunService, VmRun } from './run-service.js';
import { SCHEDULE_STREAM, isRunStream, runStream, vmOfStream, vmStream } from './stream-names.js';

/** What the engine tells the outside, beside the log. */
export interface RunSignals {
  /** Tells a VM's worker at once that it must stop; its next lease answer says so too. */
  stop(stream: string, reason: string): void;
  progressOf(stream: string): Progress | undefined;
  failed(what: string, error: unknown): void;
}

export interface RunEngineOptions {
  /** What may run at once, until an operator sets it. */
  readonly limits: ScheduleLimits;
}

/**
 * Carries decisions from one stream to the next: a started run enqueues its VMs, an admission starts a VM, an end
 * frees its place. Every such reaction is idempotent and follows from the states alone, so `reconcile` makes up, at
 * start and now and then, for whatever a crash left undone between two appends.
 */
export class RunEngine implements RunService {
  readonly #vms: DecidedStreams<VmState>;
  readonly #runs: DecidedStreams<RunState | undefined>;
  readonly #schedule: DecidedStreams<Schedule>;
  /** Streams of the VMs that copy, or are about to: they share the bandwidth. */
  readonly #copying = new Set<string>();
  readonly #timers: DueTimers;
  /** One timer for all who wait for a maintenance window. */
  readonly #windowTimer: DueTimers;

  constructor(
    private readonly log: EventLog,
    writer: EventWriter,
    private readonly signals: RunSignals,
    options: RunEngineOptions,
  ) {
    const isVm = (stream: string): boolean => vmOfStream(stream) !== undefined;
    this.#vms = new DecidedStreams(log, writer, isVm, () => initialVmState, evolveVm);
    this.#runs = new DecidedStreams<RunState | undefined>(
      log,
      writer,
      isRunStream,
      () => undefined,
      evolveRun,
    );
    const schedule = new Schedule(options.limits);
    this.#schedule = new DecidedStreams(
      log,
      writer,
      (stream) => stream === SCHEDULE_STREAM,
      () => schedule,
      (state, event) => {
        state.apply(event);
        return state;
      },
    );
    this.#timers = new DueTimers((stream) =>
      this.#react(this.command(stream, { kind: 'wake', at: new Date(), random: Math.random() })),
    );
    this.#windowTimer = new DueTimers(() => this.#react(this.#admit()));
  }

  /** Takes an event of the log into the states; idempotent, so it may be called for events that were decided here. */
  restore(event: StoredEvent): void {
    this.#vms.restore(event);
    this.#runs.restore(event);
    this.#schedule.restore(event);
  }

  stop(): void {
    this.#timers.stop();
    this.#windowTimer.stop();
  }

  // ---- what users ask for

  async start(plan: ResolvedPlan, context: CommandContext): Promise<string> {
    const migrationId = uuidv7();
    // The VMs are recorded first and count for nothing until MigrationStarted is in the log.
    await Promise.all(
      plan.vms.map((vm, index) => {
        const record: VmRecord = { ...vm, migrationId, index };
        const command: VmCommand = { kind: 'plan', record, itinerary: itineraryFor(record) };
        return this.#vms.execute(vmStream(migrationId, index), (state) => decideVm(command, state), context);
      }),
    );
    const { planId, spec, networkMapping, storageMapping, conditions } = plan;
    const started: DomainEvent = {
      type: 'MigrationStarted',
      data: {
        migrationId,
        planId,
        spec,
        networkMapping,
        storageMapping,
        conditions: [...conditions],
        vmCount: plan.vms.length,
        startedBy: context.actor.name,
      },
    };
    await this.#runs.execute(runStream(migrationId), () => [started], context);
    this.#react(this.#enqueueAll(migrationId));
    return migrationId;
  }

  async cancelMigration(migrationId: string, reason: string, context: CommandContext): Promise<void> {
    const { state } = await this.#runs.execute(
      runStream(migrationId),
      (run) => decideRunCancel(run, reason),
      context,
    );
    if (state !== undefined) await this.#cancelVms(state, reason, context);
  }

  async pauseMigration(migrationId: string, reason: string, context: CommandContext): Promise<void> {
    await this.#runs.execute(runStream(migrationId), (run) => decideRunPause(run, reason), context);
    await this.askVms(migrationId, { kind: 'pause', reason }, context);
  }

  async resumeMigration(migrationId: string, reason: string, context: CommandContext): Promise<void> {
    await this.#runs.execute(runStream(migrationId), (run) => decideRunResume(run, reason), context);
    await this.askVms(migrationId, { kind: 'resume', reason }, context);
  }

  async approveMigration(migrationId: string, reason: string, context: CommandContext): Promise<void> {
    const by = context.actor.name;
    await this.#runs.execute(runStream(migrationId), (run) => decideRunApproval(run, reason, by), context);
    this.#react(this.#enqueueAll(migrationId));
  }

  /** Starts the wave after the last one that was started. @throws CommandRefused */
  async startNextWave(migrationId: string, reason: string, context: CommandContext): Promise<void> {
    await this.#runs.execute(runStream(migrationId), (run) => decideNextWave(run, reason), context);
    this.#react(this.#enqueueAll(migrationId));
  }

  async askVm(
    migrationId: string,
    vm: number,
    command: OperatorCommand,
    context: CommandContext,
  ): Promise<void> {
    if (command.kind === 'resume' && this.#runs.state(runStream(migrationId))?.pauseReason !== undefined)
      throw new CommandRefused('resume', 'the whole migration is paused; resume the plan');
    await this.command(vmStream(migrationId, vm), command, context);
  }

  async askVms(migrationId: string, command: OperatorCommand, context: CommandContext): Promise<number> {
    const run = this.#runs.state(runStream(migrationId));
    if (run === undefined) return 0;
    const taken = await Promise.all(
      this.#vmsOf(run).map(({ stream }) =>
        this.command(stream, command, context).then(
          ({ events }) => (events.length > 0 ? 1 : 0),
          // Of a whole plan it is asked of those for which it makes sense.
          (error: unknown) => {
            if (error instanceof CommandRefused) return 0;
            throw error;
          },
        ),
      ),
    );
    return taken.reduce<number>((sum, each) => sum + each, 0);
  }

  async retryVm(
    migrationId: string,
    vm: number,
    reason: string,
    record: VmRecord,
    context: CommandContext,
  ): Promise<void> {
    const run = this.#runs.state(runStream(migrationId));
    if (run?.cancelReason !== undefined)
      throw new CommandRefused('retry', 'the migration was canceled; start the plan again');
    const stream = vmStream(migrationId, vm);
    const state = this.#vms.state(stream);
    const isChanged = state !== undefined && JSON.stringify(state.record) !== JSON.stringify(record);
    await this.command(stream, { kind: 'retry', reason, ...(isChanged ? { record } : {}) }, context);
  }

  get limits(): ScheduleLimits {
    return this.#schedule.state(SCHEDULE_STREAM).limits;
  }

  async setLimits(limits: ScheduleLimits, context: CommandContext): Promise<void> {
    await this.#schedule.execute(SCHEDULE_STREAM, (schedule) => schedule.setLimits(limits), context);
    await this.#admit();
  }

  /** Bytes a second for the copy of a VM, as of now: its own limit, or its fair share of what all may use. */
  bandwidthOf(stream: string): number | undefined {
    const copies = [...this.#copying].flatMap((key) => {
      const limit = this.#vms.state(key)?.record.settings.bandwidthLimit;
      return [{ key, ...(limit === undefined ? {} : { limit }) }];
    });
    return fairShares(this.limits.bytesPerSecond, copies).get(stream);
  }

  migrations(): readonly MigrationRun[] {
    return this.#runs.streams().flatMap((stream) => {
      const run = this.#runs.state(stream);
      return run === undefined ? [] : [this.#view(run)];
    });
  }

  migration(migrationId: string): MigrationRun | undefined {
    const run = this.#runs.state(runStream(migrationId));
    return run && this.#view(run);
  }

  history(stream: string): AsyncIterable<StoredEvent> {
    return this.log.readStream(stream, {});
  }

  /** Why a VM that is planned does not run yet. */
  waitsFor(migrationId: string, vm: number): string | undefined {
    return this.#schedule.state(SCHEDULE_STREAM).reasonFor(migrationId, vm, new Date());
  }

  // ---- what workers say

  state(stream: string): VmState {
    return this.#vms.state(stream);
  }

  vmStreams(): readonly string[] {
    return this.#vms.streams();
  }

  /**
   * Carries out a command on one VM and what follows from it.
   *
   * @throws CommandRefused, AttemptSuperseded
   */
  async command(
    stream: string,
    command: VmCommand,
    context = systemContext(stream),
  ): Promise<Decided<VmState>> {
    const decided = await this.#vms.execute(stream, (state) => decideVm(command, state), context);
    if (decided.events.length > 0) this.#follow(stream, decided.state);
    return decided;
  }

  // ---- what follows

  /** Brings everything to where the states say it should be. */
  async reconcile(): Promise<void> {
    for (const stream of this.#runs.streams()) {
      const run = this.#runs.state(stream);
      if (run === undefined) continue;
      if (run.cancelReason !== undefined) await this.#cancelVms(run, run.cancelReason, systemContext(stream));
      else if (run.pauseReason !== undefined)
        await this.askVms(run.migrationId, { kind: 'pause', reason: run.pauseReason }, systemContext(stream));
      await this.#enqueueAll(run.migrationId);
    }
    for (const { migrationId, vm } of [...this.#schedule.state(SCHEDULE_STREAM).running.values()]) {
      await this.#admitted(migrationId, vm);
    }
    for (const stream of this.#vms.streams()) {
      const state = this.#vms.state(stream);
      const isStarted =
        state !== undefined && this.#runs.state(runStream(state.record.migrationId)) !== undefined;
      if (isStarted && state.phase !== 'planned') this.#follow(stream, state);
    }
  }

  #follow(stream: string, state: VmState): void {
    if (state === undefined) return;
    this.#timers.set(stream, wakeAt(state));
    if (openAttempt(state)?.step === 'DiskTransfer') this.#copying.add(stream);
    else this.#copying.delete(stream);
    const why = stopWanted(state);
    if (why !== undefined) this.signals.stop(stream, why);
    if (state.phase === 'planned') this.#react(this.#enqueue([state]));
    else if (!holdsPlace(state)) this.#react(this.#freePlace(state));
  }

  /** The VMs of a run that wait for a place, in one append: a plan may have ten thousand. */
  async #enqueueAll(migrationId: string): Promise<void> {
    const run = this.#runs.state(runStream(migrationId));
    if (run === undefined) return;
    await this.#enqueue(this.#vmsOf(run).flatMap(({ state }) => (state?.phase === 'planned' ? [state] : [])));
  }

  async #enqueue(vms: readonly VmLive[]): Promise<void> {
    const entries = vms.flatMap((state) => {
      const run = this.#runs.state(runStream(state.record.migrationId));
      const isOn = run?.approved === true && (state.record.wave ?? 1) <= run.wave;
      return isOn ? [entryOf(state, run)] : [];
    });
    if (entries.length === 0) return;
    await this.#schedule.execute(
      SCHEDULE_STREAM,
      (schedule) => entries.flatMap((entry) => schedule.enqueue(entry)),
      systemContext(runStream(entries[0]?.migrationId ?? '')),
    );
    await this.#admit();
  }

  async #admit(): Promise<void> {
    const at = new Date();
    const { state, events } = await this.#schedule.execute(
      SCHEDULE_STREAM,
      (schedule) => schedule.admit(at),
      systemContext(SCHEDULE_STREAM),
    );
    this.#windowTimer.set(SCHEDULE_STREAM, state.nextWakeAt(at)?.getTime());
    await Promise.all(
      events.map(({ data }) => {
        const { migrationId, vm } = data as { migrationId: string; vm: number };
        return this.#admitted(migrationId, vm);
      }),
    );
  }

  /** A VM that has a place begins; one that was paused or canceled meanwhile gives it back. */
  async #admitted(migrationId: string, vm: number): Promise<void> {
    const stream = vmStream(migrationId, vm);
    const state = this.#vms.state(stream);
    if (state?.phase === 'planned') await this.command(stream, { kind: 'admit', at: new Date() });
    else if (state !== undefined && !holdsPlace(state)) await this.#freePlace(state);
  }

  async #freePlace(state: VmLive): Promise<void> {
    const { migrationId, index } = state.record;
    await this.#schedule.execute(
      SCHEDULE_STREAM,
      // Decided in turn: by now it may wait for a place again.
      (schedule) => {
        const now = this.#vms.state(vmStream(migrationId, index));
        const isNeeded = now === undefined || now.phase === 'planned' || holdsPlace(now);
        return isNeeded ? [] : schedule.release(migrationId, index);
      },
      systemContext(vmStream(migrationId, index)),
    );
    if (isTerminal(state)) {
      await this.#startWaveAfter(migrationId);
      await this.#complete(migrationId);
    }
    await this.#admit();
  }

  async #startWaveAfter(migrationId: string): Promise<void> {
    const run = this.#runs.state(runStream(migrationId));
    if (run === undefined || run.wave >= (wavesOf(run.started).at(-1) ?? 1)) return;
    const last = this.#vmsOf(run).filter(({ state }) => (state?.record.wave ?? 1) === run.wave);
    const succeeded = last.filter(({ state }) => state?.phase === 'succeeded').length;
    const { events } = await this.#runs.execute(
      runStream(migrationId),
      (state) => (state === undefined ? [] : decideWaveAfter(state, { total: last.length, succeeded })),
      systemContext(runStream(migrationId)),
    );
    if (events.length > 0) await this.#enqueueAll(migrationId);
  }

  async #complete(migrationId: string): Promise<void> {
    const run = this.#runs.state(runStream(migrationId));
    if (run === undefined) return;
    const counts = { succeeded: 0, failed: 0, canceled: 0, rolledBack: 0 };
    // From the end: the VMs that came last are open longest, so a large run is looked through only once, at its end.
    for (let vm = run.started.vmCount - 1; vm >= 0; vm -= 1) {
      const state = this.#vms.state(vmStream(migrationId, vm));
      if (state === undefined || !isTerminal(state)) return;
      counts[state.phase === 'rolled-back' ? 'rolledBack' : outcomeOf(state.phase)] += 1;
    }
    await this.#runs.execute(
      runStream(migrationId),
      (state) => (state === undefined ? [] : decideRunCompletion(state, counts)),
      systemContext(runStream(migrationId)),
    );
  }

  async #cancelVms(run: RunState, reason: string, context: CommandContext): Promise<void> {
    const open = this.#vmsOf(run).filter(
      ({ state }) => state !== undefined && !isTerminal(state) && state.phase !== 'cleaning',
    );
    await Promise.all(open.map(({ stream }) => this.command(stream, { kind: 'cancel', reason }, context)));
  }

  #view(run: RunState): MigrationRun {
    const vms = this.#vmsOf(run);
    return {
      migrationId: run.migrationId,
      planId: run.started.planId,
      startedAt: run.startedAt,
      completedAt: vms.every(({ state }) => state !== undefined && isTerminal(state))
        ? run.completed?.at
        : undefined,
      cancelRequested: run.cancelReason !== undefined,
      pauseRequested: run.pauseReason !== undefined,
      awaitsApproval: !run.approved,
      wave: run.wave,
      waves: wavesOf(run.started),
      vms,
    };
  }

  #vmsOf(run: RunState): readonly VmRun[] {
    return Array.from({ length: run.started.vmCount }, (_, vm) => {
      const stream = vmStream(run.migrationId, vm);
      return { stream, state: this.#vms.state(stream), progress: this.signals.progressOf(stream) };
    });
  }

  #react(reaction: Promise<unknown>): void {
    reaction.catch((error: unknown) => this.signals.failed('a reaction to an event', error));
  }
}

const outcomeOf = (phase: VmLive['phase']): 'succeeded' | 'failed' | 'canceled' =>
  phase === 'succeeded' || phase === 'canceled' ? phase : 'failed';

/** What the planner does by itself, because of what is in `stream`. */
export const systemContext = (stream: string): CommandContext => ({
  actor: { kind: 'system', name: 'planner', authenticatedBy: 'process' },
  causationId: stream,
  correlationId: vmOfStream(stream)?.migrationId ?? stream,
});
