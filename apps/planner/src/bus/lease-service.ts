import {
  type AttemptRef,
  type ClaimAnswer,
  type ClaimRequest,
  type Failure,
  type Job,
  type LeaseAnswer,
  type Report,
  type ReportAnswer,
  WORKER_PROTOCOL,
} from '@ledgerlift/contracts';
import {
  AttemptSuperseded,
  CommandRefused,
  deferralOf,
  failedStep,
  jobOf,
  openAttempt,
  powerOffBegan,
  powerOffFor,
  stopWanted,
  type VmLive,
} from '@ledgerlift/migration';
import { overlayRoom } from '@ledgerlift/targets';
import type { CommandContext } from '../log/event-writer.js';
import type { RunStates } from '../runs/run-states.js';
import { vmStreamsOf } from '../runs/run-view.js';
import { systemContext } from '../runs/stream-names.js';
import { LeaseTable } from './lease-table.js';

export interface LeaseServiceOptions {
  readonly leaseMs: number;
  readonly now: () => number;
  /** Whether the planner is away, so that no lease ends. */
  readonly isAway: () => boolean;
  /** Called if a worker of an older version claims. Its claim is refused, so that a newer worker can take the request. */
  readonly tooOld?: (worker: string) => void;
}

/**
 * Answers workers that claim attempts, renew leases and report. The VM's decider makes each decision, which is logged before it
 * is answered; this service only knows when each lease ends. Workers may ask twice, late, or about an attempt that is over.
 */
export class LeaseService {
  readonly #leases: LeaseTable;

  constructor(
    private readonly states: RunStates,
    private readonly options: LeaseServiceOptions,
  ) {
    this.#leases = new LeaseTable(options.leaseMs);
  }

  /** After a restart: each started attempt gets one lease period to report in. */
  restore(): void {
    for (const stream of this.states.index.started) {
      const state = this.states.vm(stream);
      const attempt = state && openAttempt(state);
      if (attempt?.status !== 'started' || attempt.worker === undefined) continue;
      const { step, worker } = attempt;
      this.#leases.open({ stream, step, attempt: attempt.attempt, worker }, this.options.now());
    }
  }

  /** After the planner was away: each attempt gets one lease period to report in, because it could not renew meanwhile. */
  returned(): void {
    this.#leases.grace(this.options.now());
  }

  /** Answers 'granted' only once StepStarted is in the log, at an exact revision. Granting again renews the lease. */
  async claim({ protocol = 1, ...ref }: ClaimRequest): Promise<ClaimAnswer> {
    if (protocol < WORKER_PROTOCOL) {
      this.options.tooOld?.(ref.worker);
      return {
        answer: 'refused',
        reason: `the planner asks workers that understand protocol ${WORKER_PROTOCOL}, and ${ref.worker} understands ${protocol}; update it`,
      };
    }
    try {
      const at = new Date(this.options.now());
      const command = { kind: 'claim', ...ref, at } as const;
      const { state } = await this.states.commandVm(ref.stream, command, serviceContext(ref));
      if (state === undefined) return { answer: 'refused', reason: `${ref.stream} is not known` };
      const open = openAttempt(state);
      if (open?.step !== ref.step || open.attempt !== ref.attempt || open.worker !== ref.worker)
        return { answer: 'refused', reason: `the request was taken back: ${deferralOf(state) ?? ''}` };
      this.#leases.open(ref, this.options.now());
      return {
        answer: 'granted',
        leaseMs: this.options.leaseMs,
        lastReport: openAttempt(state)?.lastReport ?? 0,
        job: this.#jobOf(state, ref, at),
        ...this.#limitOf(ref.stream, state),
      };
    } catch (error) {
      return refused(error);
    }
  }

  /** Answers 'stop' if the attempt must end or is not this worker's. `lastReport` is the worker's last report in the log. */
  async renew(ref: AttemptRef): Promise<LeaseAnswer> {
    const state = this.states.vm(ref.stream);
    const attempt = state?.attempts.find((each) => each.step === ref.step && each.attempt === ref.attempt);
    const lastReport = attempt?.worker === ref.worker ? attempt.lastReport : 0;
    const open = state && openAttempt(state);
    const isItsOwn = open === attempt && open?.worker === ref.worker;
    // No lease ends while the planner is away, so the worker still has its own.
    if (this.options.isAway()) this.#leases.grace(this.options.now());
    if (state === undefined || !isItsOwn || this.#leases.renew(ref, this.options.now()) === 'unknown') {
      return { answer: 'stop', reason: 'the attempt is over', lastReport };
    }
    const why = stopWanted(state);
    if (why !== undefined) return { answer: 'stop', reason: why, lastReport };
    return {
      answer: 'renewed',
      leaseMs: this.options.leaseMs,
      lastReport,
      ...this.#limitOf(ref.stream, state),
    };
  }

  #jobOf(state: VmLive, ref: AttemptRef, at: Date): Job {
    const { states } = this;
    const powerOff = powerOffFor(state, at, states.windowsOf(state));
    const job = jobOf(state, ref, failuresOf(state, states), powerOff);
    return ref.step === 'SourcePowerOff'
      ? { ...job, roomTaken: roomTaken(state, states.slotHolders()) }
      : job;
  }

  #limitOf(stream: string, { record }: VmLive): { readonly bandwidthLimit?: number } {
    const bandwidthLimit = this.states.bandwidthOf(stream) ?? record.settings.bandwidthLimit;
    return bandwidthLimit === undefined ? {} : { bandwidthLimit };
  }

  /** Answers 'logged' once the new part of the report is in the log. */
  async report(report: Report): Promise<ReportAnswer> {
    const { ref } = report;
    try {
      const command = {
        kind: 'report',
        report,
        at: new Date(this.options.now()),
        random: Math.random(),
      } as const;
      await this.states.commandVm(ref.stream, command, serviceContext(ref));
      if (report.outcome !== undefined) this.#leases.close(ref);
      return { answer: 'logged', lastReport: report.number };
    } catch (error) {
      return refused(error);
    }
  }

  /** Ends the attempts whose lease has expired. Call it about once a second. */
  async expire(): Promise<void> {
    const now = this.options.now();
    if (this.options.isAway()) return;
    for (const ref of this.#leases.expired(now)) {
      const { stream, step, attempt } = ref;
      const command = { kind: 'lose', step, attempt, at: new Date(now) } as const;
      await this.states.commandVm(stream, command, systemContext(stream));
      // Only now: if the append failed, for example because the disk is full, the next tick tries again.
      this.#leases.close(ref);
    }
  }
}

function refused(error: unknown): { readonly answer: 'refused'; readonly reason: string } {
  if (error instanceof AttemptSuperseded || error instanceof CommandRefused) {
    return { answer: 'refused', reason: error.message };
  }
  throw error;
}

const serviceContext = (ref: AttemptRef): CommandContext => ({
  ...systemContext(ref.stream),
  actor: { kind: 'service', name: ref.worker, authenticatedBy: 'nats' },
  causationId: `${ref.stream}/${ref.step}/${ref.attempt}`,
});

/**
 * Bytes that other VMs have yet to write to the VM's target. Counts VMs whose power-off began before its own: their sources are
 * off, or about to be, so this room is reserved for them.
 *
 * @param others VMs that hold a slot; may include the VM itself
 */
export function roomTaken(state: VmLive, others: readonly VmLive[]): number {
  const own = turnOf(state);
  return others
    .filter(({ record }) => record.target.providerId === state.record.target.providerId)
    .filter((other) => powerOffBegan(other) && turnOf(other) < own)
    .reduce((sum, other) => sum + stillToWrite(other), 0);
}

/** Sort key for the order in which power-offs began. */
function turnOf({ attempts, record: { migrationId, index } }: VmLive): string {
  const off = attempts.findLast(
    ({ step, startedAt }) => step === 'SourcePowerOff' && startedAt !== undefined,
  );
  return `${off?.startedAt ?? ''} ${migrationId}/${index}`;
}

/**
 * For a warm VM, assumes that the next round is as large as the last one (0 before two rounds are complete). Overlays grow only
 * during the conversion.
 */
function stillToWrite({ record, itinerary, at, checkpoints, passes }: VmLive): number {
  const { disks } = record.source.vm;
  const comes = (step: string): boolean => itinerary.slice(at).some((each) => each.step === step);
  const sizes = disks.map(({ capacityBytes }) => ({ size: Math.max(0, capacityBytes) }));
  const uncopied = disks.reduce(
    (sum, { id, capacityBytes }) => sum + Math.max(0, capacityBytes - (checkpoints[id]?.bytesDone ?? 0)),
    0,
  );
  const copy = record.settings.type === 'warm' ? (passes.count > 1 ? passes.lastBytes : 0) : uncopied;
  return (comes('DiskTransfer') ? copy : 0) + (comes('ImageConversion') ? overlayRoom(sizes) : 0);
}

/** The most failed VMs that a job names. It only counts the others, because a job must fit into a message. */
const MOST_NAMED = 20;

/** Failures for a failure hook: why its VM failed, or which VMs of its plan failed, and why. */
export function failuresOf(state: VmLive, states: RunStates): Job['failures'] {
  if (state.record.standsFor !== 'plan') {
    const failure = state.phase === 'cleaning' ? failureOf(state) : undefined;
    return failure && { count: 1, first: [failure] };
  }
  if (state.record.settings.hooks.every(({ at }) => at !== 'failure')) return undefined;
  const run = states.run(state.record.migrationId);
  const count = run === undefined ? 0 : states.tally(run.migrationId).phases.failed;
  if (run === undefined || count === 0) return undefined;
  const first: Failure[] = [];
  for (const stream of vmStreamsOf(run)) {
    const vm = states.vm(stream);
    const failure = vm?.phase === 'failed' ? failureOf(vm) : undefined;
    if (failure !== undefined) first.push(failure);
    if (first.length === MOST_NAMED) break;
  }
  return { count, first };
}

function failureOf(state: VmLive): Failure | undefined {
  const { index, source } = state.record;
  const failed = failedStep(state);
  return failed && { index, name: source.vm.name, ...failed };
}
