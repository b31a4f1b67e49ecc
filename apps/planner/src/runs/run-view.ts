import type { Progress } from '@ledgerlift/contracts';
import { type RunState, type VmState, wavesOf } from '@ledgerlift/migration';
import { hooksOfRun, isPlanHook } from './plan-hooks.js';
import type { MigrationRun, VmRun } from './run-service.js';
import { vmOfStream, vmStream } from './stream-names.js';
import type { VmIndex } from './vm-index.js';

export interface ViewAround {
  readonly index: VmIndex;
  vm(stream: string): VmState;
  progressOf(stream: string): Progress | undefined;
  /** What of the plan's own its VMs wait for. */
  holds(run: RunState): string | undefined;
  /** Why a VM that wants a place has none. */
  waitsFor(migrationId: string, vm: number): string | undefined;
}

/** A run as the API sees it: counts come from the index, and its VMs are looked up only when somebody asks for them. */
export class RunView implements MigrationRun {
  constructor(
    private readonly run: RunState,
    private readonly around: ViewAround,
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
    return this.run.cancelReason !== undefined;
  }
  get pauseRequested(): boolean {
    return this.run.pauseReason !== undefined;
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
    return this.around.index.of(this.migrationId);
  }

  #vmRun(stream: string): VmRun {
    const state = this.around.vm(stream);
    const reason = (): string | undefined => this.#waitsFor(state);
    return {
      stream,
      state,
      progress: this.around.progressOf(stream),
      // Looked up only when somebody asks: a list of ten thousand VMs shows a page of them.
      get waitsFor(): string | undefined {
        return reason();
      },
    };
  }

  #waitsFor(state: VmState): string | undefined {
    if (state === undefined || isPlanHook(state)) return undefined;
    if (state.turn !== undefined) return this.around.waitsFor(this.migrationId, state.record.index);
    if (state.phase !== 'planned') return undefined;
    if (!this.run.approved) return 'a second person to approve the start';
    const { wave = 1, index } = state.record;
    if (wave > this.run.wave) return `wave ${wave} to be started; wave ${this.run.wave} is under way`;
    return this.around.holds(this.run) ?? this.around.waitsFor(this.migrationId, index);
  }
}

/** @returns streams of all VMs of the run */
export const vmStreamsOf = ({ migrationId, started }: RunState): readonly string[] =>
  Array.from({ length: started.vmCount }, (_, vm) => vmStream(migrationId, vm));

export const isVmStream = (stream: string): boolean => vmOfStream(stream) !== undefined;
