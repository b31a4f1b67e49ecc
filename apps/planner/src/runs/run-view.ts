import type { Progress } from '@ledgerlift/contracts';
import { type RunState, type VmState, awaitedRemovalOf, wavesOf } from '@ledgerlift/migration';
import { heldBackBy, hooksOfRun, isPlanHook } from './plan-hooks.js';
import type { MigrationRun, VmRun } from './run-service.js';
import type { RunStates } from './run-states.js';
import { vmStream } from './stream-names.js';

/** A run as the API sees it. Counts come from the index; VMs are looked up on demand. */
export class RunView implements MigrationRun {
  constructor(
    private readonly run: RunState,
    private readonly states: RunStates,
    private readonly progressOf: (stream: string) => Progress | undefined,
  ) {}

  get migrationId(): string {
    return this.run.migrationId;
  }
  get planId(): string {
    return this.run.started.planId;
  }
  get planName(): string {
    return this.run.started.spec.name;
  }
  get startedAt(): string {
    return this.run.startedAt;
  }
  get completedAt(): string | undefined {
    return this.#tally.open.size === 0 ? this.run.completed?.at : undefined;
  }
  get cancelRequested(): boolean {
    return this.run.intent.kind === 'cancel';
  }
  get pauseRequested(): boolean {
    return this.run.intent.kind === 'pause';
  }
  get awaitsApproval(): boolean {
    return !this.run.approved;
  }
  get wave(): number {
    return this.run.wave;
  }
  get waves(): readonly number[] {
    return wavesOf(this.run.started);
  }
  get phases(): MigrationRun['phases'] {
    return this.#tally.phases;
  }
  get percent(): number {
    return this.#tally.percent;
  }
  get underWay(): readonly VmRun[] {
    return [...this.#tally.started].map((stream) => this.#vmRun(stream));
  }
  get vms(): readonly VmRun[] {
    return Array.from({ length: this.run.started.vmCount }, (_, vm) =>
      this.#vmRun(vmStream(this.migrationId, vm)),
    );
  }

  get hooks(): readonly VmRun[] {
    return hooksOfRun(this.run).map(({ index }) => this.#vmRun(vmStream(this.migrationId, index)));
  }

  vm(index: number): VmRun | undefined {
    return index < this.run.started.vmCount + hooksOfRun(this.run).length
      ? this.#vmRun(vmStream(this.migrationId, index))
      : undefined;
  }

  get #tally() {
    return this.states.tally(this.migrationId);
  }

  #vmRun(stream: string): VmRun {
    const state = this.states.vm(stream);
    const reason = (): string | undefined => this.#waitsFor(state);
    return {
      stream,
      state,
      progress: this.progressOf(stream),
      // Computed on demand: a list of ten thousand VMs shows only one page.
      get waitsFor(): string | undefined {
        return reason();
      },
    };
  }

  #waitsFor(state: VmState): string | undefined {
    if (state === undefined || isPlanHook(state)) return undefined;
    const { wave = 1, index } = state.record;
    if (awaitedRemovalOf(state) !== undefined) return this.#waitsInSchedule(index);
    if (state.phase !== 'planned') return undefined;
    if (!this.run.approved) return 'a second person to approve the start';
    if (wave > this.run.wave) return `wave ${wave} to be started; wave ${this.run.wave} is under way`;
    return heldBackBy(this.run, this.states) ?? this.#waitsInSchedule(index);
  }

  #waitsInSchedule(vm: number): string | undefined {
    const { schedule } = this.states;
    return (
      schedule.reasonForRemoval(this.migrationId, vm) ?? schedule.reasonFor(this.migrationId, vm, new Date())
    );
  }
}

/** @returns streams of all VMs of the run */
export const vmStreamsOf = ({ migrationId, started }: RunState): readonly string[] =>
  Array.from({ length: started.vmCount }, (_, vm) => vmStream(migrationId, vm));
