import type { ScheduleLimits, VmRecord } from '@ledgerlift/contracts';
import type { EventLog, StoredEvent } from '@ledgerlift/event-log';
import {
  CommandRefused,
  type Presence,
  type RunState,
  Schedule,
  type VmCommand,
  type VmState,
  decideNextWave,
  decideRunApproval,
  decideRunCancel,
  decideRunPause,
  decideRunResume,
  decideVm,
  evolveRun,
  evolveVm,
  holdsPlace,
  initialVmState,
  isTerminal,
  stopWanted,
} from '@ledgerlift/migration';
import { v7 as uuidv7 } from 'uuid';
import { type Decided, DecidedStreams } from '../log/decided-streams.js';
import type { CommandContext, EventWriter } from '../log/event-writer.js';
import { Bandwidth } from './bandwidth.js';
import { inPortions, takenBy } from './in-portions.js';
import { Places, type ScheduledVm } from './places.js';
import { PlanHooks, isPlanHook } from './plan-hooks.js';
import { RecordPool } from './record-pool.js';
import { planCommands, startedEvent } from './recording.js';
import type { MigrationRun, OperatorCommand, ResolvedPlan, RunService, RunSignals } from './run-service.js';
import { RunEnds } from './run-ends.js';
import { RunView, isVmStream, vmStreamsOf } from './run-view.js';
import { SCHEDULE_STREAM, isRunStream, runStream, vmStream } from './stream-names.js';
import { systemContext } from './system-context.js';
import { VmIndex } from './vm-index.js';
import { VmTimers } from './vm-timers.js';

export interface RunEngineOptions {
  /** What may run at once, until an operator sets it. */
  readonly limits: ScheduleLimits;
  /** When a planner led: time limits count no other time. */
  readonly presence: () => Presence;
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
  readonly #index = new VmIndex();
  readonly #places: Places;
  readonly #bandwidth: Bandwidth;
  readonly #ends: RunEnds;
  readonly #planHooks: PlanHooks;
  readonly #timers: VmTimers;

  constructor(
    private readonly log: EventLog,
    writer: EventWriter,
    private readonly signals: RunSignals,
    options: RunEngineOptions,
  ) {
    const pool = new RecordPool();
    this.#vms = new DecidedStreams<VmState>(
      log,
      writer,
      isVmStream,
      () => initialVmState,
      (state, event, time) => evolveVm(state, pool.shared(event), time),
      (stream, before, after) => this.#changed(stream, before, after),
    );
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
    const vm = (stream: string): VmState => this.#vms.state(stream);
    this.#planHooks = new PlanHooks({
      run: (migrationId) => this.#runs.state(runStream(migrationId)),
      vm,
      tally: (migrationId) => this.#index.of(migrationId),
      command: (stream, command) => this.command(stream, command),
      released: (migrationId) => this.#enqueueAll(migrationId),
      react: (reaction) => this.#react(reaction),
    });
    this.#places = new Places({
      holds: (run) => this.#planHooks.holds(run),
      schedule: this.#schedule,
      vm,
      run: (migrationId) => this.#runs.state(runStream(migrationId)),
      admitted: (migrationId, index) => this.#admitted(migrationId, index),
      takeTurn: (stream) => this.command(stream, { kind: 'take-turn' }),
      failed: (error) => this.signals.failed('giving places', error),
      context: systemContext,
    });
    this.#ends = new RunEnds(this.#runs, this.#index, (migrationId) => this.#enqueueAll(migrationId));
    this.#bandwidth = new Bandwidth(() => this.#index.copying, vm);
    this.#timers = new VmTimers(options.presence, (stream, wake) => this.#react(this.command(stream, wake)));
  }

  /** Takes an event of the log into the states; idempotent, so it may be called for events that were decided here. */
  restore(event: StoredEvent): void {
    this.#vms.restore(event);
    this.#runs.restore(event);
    this.#schedule.restore(event);
  }

  stop(): void {
    this.#timers.stop();
    this.#places.stop();
    this.#planHooks.stop();
  }

  // ---- what users ask for

  async start(plan: ResolvedPlan, context: CommandContext): Promise<string> {
    const migrationId = uuidv7();
    // The VMs are recorded first and count for nothing until MigrationStarted is in the log.
    await inPortions(planCommands(migrationId, plan, context.actor.name), (make) => {
      const command = make();
      const stream = vmStream(migrationId, command.record.index);
      return this.#vms.execute(stream, (state) => decideVm(command, state), context);
    });
    const started = startedEvent(migrationId, plan, context.actor.name);
    await this.#runs.execute(runStream(migrationId), () => [started], context);
    this.#react(this.#begin(migrationId));
    return migrationId;
  }

  async cancelMigration(migrationId: string, reason: string, context: CommandContext): Promise<void> {
    const { state } = await this.#runs.execute(
      runStream(migrationId),
      (run) => decideRunCancel(run, reason),
      context,
    );
    if (state !== undefined) await this.#cancelVms(state, reason, context);
    await this.#planHooks.look(migrationId);
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
    this.#react(this.#begin(migrationId));
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
    return this.#askEach(vmStreamsOf(run), command, context);
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
    return this.#places.limits;
  }

  setLimits(limits: ScheduleLimits, context: CommandContext): Promise<void> {
    return this.#places.setLimits(limits, context);
  }

  get scheduled(): readonly ScheduledVm[] {
    return this.#places.scheduled(this.#index.open);
  }

  /** Bytes a second for the copy of a VM, as of now: its own limit, or its fair share of what all may use. */
  bandwidthOf(stream: string): number | undefined {
    return this.#bandwidth.of(stream, this.limits);
  }

  migrations(): readonly MigrationRun[] {
    return this.#known().map((run) => this.#view(run));
  }

  migration(migrationId: string): MigrationRun | undefined {
    const run = this.#runs.state(runStream(migrationId));
    return run && this.#view(run);
  }

  history(stream: string, from = 0): AsyncIterable<StoredEvent> {
    return this.log.readStream(stream, { from });
  }

  waitsFor(migrationId: string, vm: number): string | undefined {
    return this.#places.waitsFor(migrationId, vm);
  }

  // ---- what workers say

  state(stream: string): VmState {
    return this.#vms.state(stream);
  }

  /** Streams of the VMs by what is under way. */
  get vms(): Pick<VmIndex, 'open' | 'requested' | 'started'> {
    return this.#index;
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
    const decided = await this.#vms.execute(
      stream,
      (state) => decideVm(command, state, this.#places.windowsOf(state)),
      context,
    );
    if (decided.events.length > 0) this.#follow(stream, decided.state);
    return decided;
  }

  /** Who has a place, and when a source may be powered off. */
  get places(): Pick<Places, 'placed' | 'windowsOf'> {
    return this.#places;
  }

  // ---- what follows

  /** The planner was away and has returned: what waits for an answer has longer. */
  returned(): void {
    for (const stream of this.#index.requested) this.#timers.set(stream, this.#vms.state(stream));
  }

  /** Brings everything to where the states say it should be, after a restart. */
  async restored(): Promise<void> {
    for (const run of this.#known()) {
      for (const stream of vmStreamsOf(run)) {
        const state = this.#vms.state(stream);
        // At its end, and its place was not taken back any more.
        if (state !== undefined && isTerminal(state) && this.#places.has(run.migrationId, state.record.index))
          this.#places.touch(stream);
      }
    }
    await this.reconcile();
  }

  /** Makes up for reactions that failed. Costs what is under way, not what there ever was. */
  async reconcile(): Promise<void> {
    for (const run of this.#known()) {
      const { migrationId, cancelReason, pauseReason } = run;
      const { open } = this.#index.of(migrationId);
      if (open.size > 0) {
        const context = systemContext(runStream(migrationId));
        if (cancelReason !== undefined) await this.#cancelVms(run, cancelReason, context);
        else if (pauseReason !== undefined)
          await this.#askEach([...open], { kind: 'pause', reason: pauseReason }, context);
        for (const stream of open) this.#follow(stream, this.#vms.state(stream));
      }
      await this.#ended(migrationId);
      for (const stream of this.#index.hooksOf(migrationId).open)
        this.#follow(stream, this.#vms.state(stream));
    }
    await inPortions(this.#places.running(), ({ migrationId, vm }) => this.#admitted(migrationId, vm));
    await this.#places.reconcile();
  }

  #known(): readonly RunState[] {
    return this.#runs.streams().flatMap((stream) => this.#runs.state(stream) ?? []);
  }

  #changed(stream: string, before: VmState, after: VmState): void {
    const wasCopying = this.#index.copying.has(stream);
    this.#index.change(stream, before, after);
    if (wasCopying !== this.#index.copying.has(stream)) this.#bandwidth.changed();
  }

  #follow(stream: string, state: VmState): void {
    if (state === undefined) return;
    this.#timers.set(stream, state);
    const why = stopWanted(state);
    if (why !== undefined) this.signals.stop(stream, why);
    if (isPlanHook(state)) return this.#react(this.#planHooks.followed(state));
    if (state.record.cutoverAwaits !== undefined) this.#react(this.#planHooks.noticed(stream, state));
    if (this.#places.concerns(state)) this.#places.touch(stream);
    if (isTerminal(state)) this.#react(this.#ended(state.record.migrationId));
  }

  /** What the plan itself has to do first, then its VMs. */
  async #begin(migrationId: string): Promise<void> {
    await this.#planHooks.look(migrationId);
    await this.#enqueueAll(migrationId);
  }

  /** A VM of the run is at its end: perhaps the run is, too. */
  async #ended(migrationId: string): Promise<void> {
    await this.#ends.look(migrationId);
    await this.#planHooks.look(migrationId);
  }

  /** The VMs of a run that wait for a place. */
  async #enqueueAll(migrationId: string): Promise<void> {
    for (const stream of this.#index.of(migrationId).open) {
      if (this.#vms.state(stream)?.phase === 'planned') this.#places.touch(stream);
    }
    await this.#places.settle();
  }

  /** A VM that has a place begins; one that was paused or canceled meanwhile gives it back. */
  async #admitted(migrationId: string, vm: number): Promise<void> {
    const stream = vmStream(migrationId, vm);
    const state = this.#vms.state(stream);
    if (state?.phase === 'planned') await this.command(stream, { kind: 'admit', at: new Date() });
    else if (state !== undefined && !holdsPlace(state)) this.#places.touch(stream);
  }

  async #cancelVms({ migrationId }: RunState, reason: string, context: CommandContext): Promise<void> {
    const open = [...this.#index.of(migrationId).open].filter(
      (stream) => this.#vms.state(stream)?.phase !== 'cleaning',
    );
    await this.#askEach(open, { kind: 'cancel', reason }, context);
  }

  /** Of a whole plan it is asked of those for which it makes sense when their turn comes. @returns how many took it */
  #askEach(streams: readonly string[], command: VmCommand, context: CommandContext): Promise<number> {
    return takenBy(streams, (stream) => this.command(stream, command, context));
  }

  #view(run: RunState): MigrationRun {
    return new RunView(run, {
      holds: (of) => this.#planHooks.holds(of),
      waitsFor: (migrationId, vm) => this.#places.waitsFor(migrationId, vm),
      index: this.#index,
      vm: (stream) => this.#vms.state(stream),
      progressOf: (stream) => this.signals.progressOf(stream),
    });
  }

  #react(reaction: Promise<unknown>): void {
    reaction.catch((error: unknown) => this.signals.failed('a reaction to an event', error));
  }
}
