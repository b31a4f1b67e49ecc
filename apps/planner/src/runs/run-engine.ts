import type { DomainEvent, Progress, VmRecord } from '@ledgerlift/contracts';
import type { EventLog, StoredEvent } from '@ledgerlift/event-log';
import {
  CommandRefused,
  type RunState,
  Schedule,
  type VmCommand,
  type VmLive,
  type VmState,
  decideRunCancel,
  decideRunCompletion,
  decideVm,
  evolveRun,
  evolveVm,
  initialVmState,
  isTerminal,
  openAttempt,
} from '@ledgerlift/migration';
import { itineraryFor } from '@ledgerlift/targets';
import { v7 as uuidv7 } from 'uuid';
import { type Decided, DecidedStreams } from '../log/decided-streams.js';
import type { CommandContext, EventWriter } from '../log/event-writer.js';
import { RetryTimers } from './retry-timers.js';
import type { MigrationRun, ResolvedPlan, RunService, VmRun } from './run-service.js';
import { SCHEDULE_STREAM, isRunStream, runStream, vmOfStream, vmStream } from './stream-names.js';

/** What the engine tells the outside, beside the log. */
export interface RunSignals {
  /** Tells a VM's worker at once that it must stop; its next lease answer says so too. */
  stop(stream: string, reason: string): void;
  progressOf(stream: string): Progress | undefined;
  failed(what: string, error: unknown): void;
}

export interface RunEngineOptions {
  /** VMs that may run at a time over all plans. */
  readonly globalLimit: number;
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
  readonly #timers: RetryTimers;

  constructor(
    private readonly log: EventLog,
    writer: EventWriter,
    private readonly signals: RunSignals,
    private readonly options: RunEngineOptions,
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
    const schedule = new Schedule();
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
    this.#timers = new RetryTimers((stream) =>
      this.#react(this.command(stream, { kind: 'retry-due', at: new Date() })),
    );
  }

  /** Takes an event of the log into the states; idempotent, so it may be called for events that were decided here. */
  restore(event: StoredEvent): void {
    this.#vms.restore(event);
    this.#runs.restore(event);
    this.#schedule.restore(event);
  }

  stop(): void {
    this.#timers.stop();
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
      },
    };
    await this.#runs.execute(runStream(migrationId), () => [started], context);
    this.#react(this.#enqueue(migrationId));
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

  async cancelVm(migrationId: string, vm: number, reason: string, context: CommandContext): Promise<void> {
    await this.command(vmStream(migrationId, vm), { kind: 'cancel', reason }, context);
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

  async abandonVm(migrationId: string, vm: number, reason: string, context: CommandContext): Promise<void> {
    await this.command(vmStream(migrationId, vm), { kind: 'abandon', reason }, context);
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
    return this.#schedule.state(SCHEDULE_STREAM).reasonFor(migrationId, vm, this.options.globalLimit);
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
      await this.#enqueue(run.migrationId);
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
    this.#timers.set(
      stream,
      state.retryAt && !isTerminal(state) ? Date.parse(state.retryAt.dueAt) : undefined,
    );
    if (state.cancel !== undefined && openAttempt(state)?.status === 'started' && state.phase === 'running') {
      this.signals.stop(stream, `the VM was canceled: ${state.cancel}`);
    }
    if (state.phase === 'planned') this.#react(this.#enqueue(state.record.migrationId));
    if (isTerminal(state) || state.phase === 'held') this.#react(this.#freePlace(state));
  }

  async #enqueue(migrationId: string): Promise<void> {
    const run = this.#runs.state(runStream(migrationId));
    if (run === undefined) return;
    const { planId, spec, vmCount } = run.started;
    const waiting = Array.from({ length: vmCount }, (_, vm) => vm).filter(
      (vm) => this.#vms.state(vmStream(migrationId, vm))?.phase === 'planned',
    );
    if (waiting.length === 0) return;
    const entry = {
      migrationId,
      planId,
      priority: spec.priority,
      maxConcurrent: spec.maxConcurrentMigrations,
    };
    await this.#schedule.execute(
      SCHEDULE_STREAM,
      (schedule) => waiting.flatMap((vm) => schedule.enqueue({ ...entry, vm })),
      systemContext(runStream(migrationId)),
    );
    await this.#admit();
  }

  async #admit(): Promise<void> {
    const { events } = await this.#schedule.execute(
      SCHEDULE_STREAM,
      (schedule) => schedule.admit(this.options.globalLimit),
      systemContext(SCHEDULE_STREAM),
    );
    await Promise.all(
      events.map(({ data }) => {
        const { migrationId, vm } = data as { migrationId: string; vm: number };
        return this.#admitted(migrationId, vm);
      }),
    );
  }

  async #admitted(migrationId: string, vm: number): Promise<void> {
    const stream = vmStream(migrationId, vm);
    if (this.#vms.state(stream)?.phase === 'planned') await this.command(stream, { kind: 'admit' });
  }

  async #freePlace(state: VmLive): Promise<void> {
    const { migrationId, index } = state.record;
    await this.#schedule.execute(
      SCHEDULE_STREAM,
      (schedule) => schedule.release(migrationId, index),
      systemContext(vmStream(migrationId, index)),
    );
    await this.#complete(migrationId);
    await this.#admit();
  }

  async #complete(migrationId: string): Promise<void> {
    const run = this.#runs.state(runStream(migrationId));
    if (run === undefined) return;
    const counts = { succeeded: 0, failed: 0, canceled: 0 };
    // From the end: the VMs that came last are open longest, so a large run is looked through only once, at its end.
    for (let vm = run.started.vmCount - 1; vm >= 0; vm -= 1) {
      const phase = this.#vms.state(vmStream(migrationId, vm))?.phase;
      if (phase !== 'succeeded' && phase !== 'failed' && phase !== 'canceled') return;
      counts[phase] += 1;
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

/** What the planner does by itself, because of what is in `stream`. */
export const systemContext = (stream: string): CommandContext => ({
  actor: { kind: 'system', name: 'planner', authenticatedBy: 'process' },
  causationId: stream,
  correlationId: vmOfStream(stream)?.migrationId ?? stream,
});
