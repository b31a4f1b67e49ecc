import type { DomainEvent, ScheduleLimits, VmRecord } from '@ledgerlift/contracts';
import type { EventLog, StoredEvent } from '@ledgerlift/event-log';
import {
  decideVm,
  evolveRun,
  evolveVm,
  fairShares,
  initialVmState,
  isTerminal,
  type RunState,
  Schedule,
  type VmCommand,
  type VmLive,
  type VmState,
  type Windows,
} from '@ledgerlift/migration';
import { type Cause, type Decided, DecidedStreams, type Execute } from '../log/decided-streams.js';
import type { CommandContext, EventWriter } from '../log/event-writer.js';
import { hooksDue, hooksOfRun } from './plan-hooks.js';
import {
  isRunStream,
  isVmStream,
  migrationOfStream,
  runStream,
  SCHEDULE_STREAM,
  vmStream,
} from './stream-names.js';
import { type RunTally, VmIndex } from './vm-index.js';

/**
 * States of all runs, their VMs and the schedule, folded from the log. Every command goes through `commandVm`, `changeRun` or
 * `changeSchedule`, which decide and append one command at a time for each stream.
 */
export class RunStates {
  readonly #vms: DecidedStreams<VmState>;
  readonly #runs: DecidedStreams<RunState | undefined>;
  readonly #schedule: DecidedStreams<Schedule>;
  readonly #index = new VmIndex();
  readonly #bandwidth: Bandwidth;
  /** Runs with events since `openRuns` last found them over. */
  readonly #perhapsOpen = new Set<string>();

  /** @param limits apply until an operator sets others */
  constructor(log: EventLog, writer: EventWriter, limits: ScheduleLimits) {
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
      (stream) => this.#perhapsOpen.add(migrationOfStream(stream)),
    );
    const schedule = new Schedule(limits);
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
    this.#bandwidth = new Bandwidth(
      () => this.#index.copying,
      (stream) => this.vm(stream),
    );
  }

  /** Folds an event of the log into the states. Idempotent: events that were appended here are in the states already. */
  restore(event: StoredEvent): void {
    this.#vms.restore(event);
    this.#runs.restore(event);
    this.#schedule.restore(event);
  }

  // ---- reading

  vm(stream: string): VmState {
    return this.#vms.state(stream);
  }

  run(migrationId: string): RunState | undefined {
    return this.#runs.state(runStream(migrationId));
  }

  /** All runs that were ever started. */
  runs(): readonly RunState[] {
    return this.#runs.streams().flatMap((stream) => this.#runs.state(stream) ?? []);
  }

  /** Runs that are not over. A run that is over is checked once after its last event. */
  openRuns(): readonly RunState[] {
    return [...this.#perhapsOpen].flatMap((migrationId) => {
      const run = this.run(migrationId);
      if (run !== undefined && !this.#isOver(run)) return run;
      this.#perhapsOpen.delete(migrationId);
      return [];
    });
  }

  get schedule(): Schedule {
    return this.#schedule.state(SCHEDULE_STREAM);
  }

  /** Streams of VMs and of plans' hooks, by the state of their attempts. */
  get index(): Pick<VmIndex, 'open' | 'requested' | 'started'> {
    return this.#index;
  }

  /** The VMs of a run, counted. */
  tally(migrationId: string): RunTally {
    return this.#index.of(migrationId);
  }

  /** The plan's hooks in a run, in the plan's order. */
  hooks(run: RunState): readonly VmLive[] {
    return hooksOfRun(run).flatMap(({ index }) => this.vm(vmStream(run.migrationId, index)) ?? []);
  }

  /** VMs that hold a slot. */
  slotHolders(): readonly VmLive[] {
    return [...this.schedule.running.values()].flatMap(
      ({ migrationId, vm }) => this.vm(vmStream(migrationId, vm)) ?? [],
    );
  }

  /** Windows in which the VM's source may be powered off: those of the installation and of its plan. */
  windowsOf(state: VmState): Windows {
    const run = state && this.run(state.record.migrationId);
    return [this.schedule.limits.windows, run?.started.spec.windows ?? []];
  }

  /** Current bandwidth limit of the VM's copy, in bytes per second: its own, or its fair share of the installation's. */
  bandwidthOf(stream: string): number | undefined {
    return this.#bandwidth.of(stream, this.schedule.limits);
  }

  /** The last event of a stream. */
  lastEvent(stream: string): Cause | undefined {
    return this.#vms.last(stream) ?? this.#runs.last(stream) ?? this.#schedule.last(stream);
  }

  // ---- changing

  /** @throws CommandRefused, AttemptSuperseded; then nothing was changed */
  commandVm(stream: string, command: VmCommand, context: CommandContext): Promise<Decided<VmState>> {
    return this.#vms.execute(stream, (state) => decideVm(command, state, this.windowsOf(state)), context);
  }

  /** @throws what `decide` throws; then nothing was changed */
  changeRun(
    migrationId: string,
    decide: (run: RunState | undefined) => readonly DomainEvent[],
    context: CommandContext,
  ): Promise<Decided<RunState | undefined>> {
    return this.#runs.execute(runStream(migrationId), decide, context);
  }

  /** Runs `work` with exclusive access to the schedule. */
  changeSchedule<T>(work: (execute: Execute<Schedule>) => Promise<T>): Promise<T> {
    return this.#schedule.exclusively(SCHEDULE_STREAM, work);
  }

  #changed(stream: string, before: VmState, after: VmState): void {
    const wasCopying = this.#index.copying.has(stream);
    this.#index.change(stream, before, after);
    if (after !== undefined) this.#perhapsOpen.add(after.record.migrationId);
    if (wasCopying !== this.#index.copying.has(stream)) this.#bandwidth.changed();
  }

  #isOver(run: RunState): boolean {
    const areHooksOver = this.hooks(run).every((hook) => isTerminal(hook) || hook.phase === 'planned');
    return (
      run.completed !== undefined &&
      this.tally(run.migrationId).open.size === 0 &&
      areHooksOver &&
      hooksDue(run, this).length === 0
    );
  }
}

/** Bytes per second for each copy: its own limit, or its fair share of the installation's. */
export class Bandwidth {
  #shares: ReadonlyMap<string, number | undefined> | undefined;
  #total: number | undefined;

  constructor(
    private readonly copying: () => ReadonlySet<string>,
    private readonly vm: (stream: string) => VmState,
  ) {}

  /** The set of copying VMs has changed: the next call of `of` computes the shares again. */
  changed(): void {
    this.#shares = undefined;
  }

  of(stream: string, { bytesPerSecond }: ScheduleLimits): number | undefined {
    if (bytesPerSecond === undefined) return this.#limitOf(stream);
    if (this.#shares === undefined || this.#total !== bytesPerSecond) {
      this.#total = bytesPerSecond;
      this.#shares = fairShares(
        bytesPerSecond,
        [...this.copying()].map((key) => {
          const limit = this.#limitOf(key);
          return { key, ...(limit === undefined ? {} : { limit }) };
        }),
      );
    }
    return this.#shares.get(stream);
  }

  #limitOf(stream: string): number | undefined {
    return this.vm(stream)?.record.settings.bandwidthLimit;
  }
}

/**
 * Keeps in memory only once what the VMs of a plan have in common. Each VM's events repeat it, so that each stream is complete
 * by itself; but ten thousand copies of one plan's settings would take most of the planner's memory.
 */
export class RecordPool {
  readonly #known = new Map<string, unknown>();

  /** Returns the event with its parts replaced by equal ones from earlier events. */
  shared(event: DomainEvent): DomainEvent {
    if (event.type === 'VmMigrationPlanned') {
      const { record, itinerary } = event.data;
      return { type: event.type, data: { record: this.#record(record), itinerary } };
    }
    if (event.type === 'RetryRequested' && event.data.record !== undefined)
      return { type: event.type, data: { ...event.data, record: this.#record(event.data.record) } };
    return event;
  }

  #record(record: VmRecord): VmRecord {
    const { source, target, settings, labels, expected } = record;
    const { vm } = source;
    return {
      ...record,
      source: {
        provider: this.#one(source.provider),
        vm: { ...vm, cpu: this.#one(vm.cpu), memory: this.#one(vm.memory), os: this.#one(vm.os) },
      },
      target: this.#one(target),
      settings: this.#one(settings),
      labels: this.#one(labels),
      ...(expected === undefined ? {} : { expected: this.#one(expected) }),
    };
  }

  #one<T>(part: T): T {
    const key = JSON.stringify(part);
    const known = this.#known.get(key);
    if (known !== undefined) return known as T;
    this.#known.set(key, part);
    return part;
  }
}
