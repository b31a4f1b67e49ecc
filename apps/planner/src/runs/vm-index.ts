import {
  type VmLive,
  type VmPhase,
  type VmState,
  isTerminal,
  openAttempt,
  progressOf,
} from '@ledgerlift/migration';

export type PhaseCounts = Readonly<Record<VmPhase, number>>;

export const noVms = (): Record<VmPhase, number> => ({
  planned: 0,
  running: 0,
  waiting: 0,
  paused: 0,
  held: 0,
  cleaning: 0,
  succeeded: 0,
  failed: 0,
  canceled: 0,
  'rolled-back': 0,
});

/** Counts of the VMs of one run. */
export interface RunTally {
  readonly phases: PhaseCounts;
  /** Streams of VMs that have not ended. */
  readonly open: ReadonlySet<string>;
  /** Streams of VMs whose step a worker runs. */
  readonly started: ReadonlySet<string>;
  /** Sum of each VM's percent of completed steps. */
  readonly percent: number;
  readonly waves: ReadonlyMap<number, { readonly total: number; readonly succeeded: number }>;
}

class Tally implements RunTally {
  readonly phases = noVms();
  readonly open = new Set<string>();
  readonly started = new Set<string>();
  readonly waves = new Map<number, { total: number; succeeded: number }>();
  percent = 0;

  count(state: VmLive, by: 1 | -1): void {
    this.phases[state.phase] += by;
    this.percent += by * progressOf(state);
    const wave = state.record.wave ?? 1;
    const counted = this.waves.get(wave) ?? { total: 0, succeeded: 0 };
    counted.total += by;
    if (state.phase === 'succeeded') counted.succeeded += by;
    this.waves.set(wave, counted);
  }
}

/**
 * Sets and counts of VMs, updated with each event of a VM. They replace scans of all VMs, so that the cost of an event does not
 * grow with the number of VMs.
 */
export class VmIndex {
  readonly #runs = new Map<string, Tally>();
  readonly #open = new Set<string>();
  readonly #requested = new Set<string>();
  readonly #started = new Set<string>();
  readonly #copying = new Set<string>();

  /** Streams of the VMs and plan hooks that have not ended. */
  get open(): ReadonlySet<string> {
    return this.#open;
  }

  /** Streams whose step nobody has claimed yet. */
  get requested(): ReadonlySet<string> {
    return this.#requested;
  }

  /** Streams whose step a worker runs. */
  get started(): ReadonlySet<string> {
    return this.#started;
  }

  /** Streams that copy, or are about to: they share the bandwidth. */
  get copying(): ReadonlySet<string> {
    return this.#copying;
  }

  of(migrationId: string): RunTally {
    return this.#runs.get(migrationId) ?? new Tally();
  }

  /** Updates the index after an event of the VM. */
  change(stream: string, before: VmState, after: VmState): void {
    if (after === undefined) return;
    // A plan's hook is not one of its VMs, and is not counted with them.
    const { migrationId, standsFor } = after.record;
    const tally = this.#tally(standsFor === 'plan' ? hooksKey(migrationId) : migrationId);
    if (before !== undefined) tally.count(before, -1);
    tally.count(after, 1);
    const attempt = openAttempt(after);
    const isOpen = !isTerminal(after);
    place(this.#open, stream, isOpen);
    place(tally.open, stream, isOpen);
    place(this.#requested, stream, attempt?.status === 'requested');
    place(this.#started, stream, attempt?.status === 'started');
    place(tally.started, stream, attempt?.status === 'started');
    place(this.#copying, stream, attempt?.step === 'DiskTransfer');
  }

  #tally(migrationId: string): Tally {
    const known = this.#runs.get(migrationId);
    if (known !== undefined) return known;
    const made = new Tally();
    this.#runs.set(migrationId, made);
    return made;
  }
}

const hooksKey = (migrationId: string): string => `hooks of ${migrationId}`;

function place(set: Set<string>, stream: string, belongs: boolean): void {
  if (belongs) set.add(stream);
  else set.delete(stream);
}
