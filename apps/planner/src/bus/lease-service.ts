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
  /** Whether the planner is away, so that no lease can be renewed and none ends. */
  readonly isAway: () => boolean;
  /** Told that a worker of an older version asked: its request is left for a newer one. */
  readonly tooOld?: (worker: string) => void;
}

/**
 * Where workers claim attempts, renew their leases and report. All that is decided here is decided by the VM's
 * decider and logged before it is answered; the desk itself knows only when each lease ends. A worker may ask twice, late,
 * or about something that is over; the answers to one worker about one attempt stay the same.
 */
export class LeaseService {
  readonly #leases: LeaseTable;

  constructor(
    private readonly states: RunStates,
    private readonly options: LeaseServiceOptions,
  ) {
    this.#leases = new LeaseTable(options.leaseMs);
  }

  /** After a restart: every attempt that was under way gets one lease to be heard of. */
  restore(): void {
    for (const stream of this.states.index.started) {
      const state = this.states.vm(stream);
      const attempt = state && openAttempt(state);
      if (attempt?.status !== 'started' || attempt.worker === undefined) continue;
      const { step, worker } = attempt;
      this.#leases.open({ stream, step, attempt: attempt.attempt, worker }, this.options.now());
    }
  }

  /** The planner was away and has returned: whoever could not renew meanwhile has one lease to be heard of. */
  returned(): void {
    this.#leases.grace(this.options.now());
  }

  /** Answers 'granted' only when StepStarted is in the log, at an exact revision. Granting again renews the lease. */
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

  /** Answers 'stop' when the attempt is to end or is not this worker's, and up to which report the log goes. */
  async renew(ref: AttemptRef): Promise<LeaseAnswer> {
    const state = this.states.vm(ref.stream);
    const attempt = state?.attempts.find((each) => each.step === ref.step && each.attempt === ref.attempt);
    const lastReport = attempt?.worker === ref.worker ? attempt.lastReport : 0;
    const open = state && openAttempt(state);
    const isItsOwn = open === attempt && open?.worker === ref.worker;
    // Nobody acted on the end of a lease while the planner was away: whoever is heard of first still has it.
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

  /** Answers 'logged' when the new part of the report is in the log. */
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

  /** Ends the attempts whose lease ran out; to be called about once a second. */
  async expire(): Promise<void> {
    const now = this.options.now();
    if (this.options.isAway()) return;
    for (const ref of this.#leases.expired(now)) {
      const { stream, step, attempt } = ref;
      const command = { kind: 'lose', step, attempt, at: new Date(now) } as const;
      await this.states.commandVm(stream, command, systemContext(stream));
      // Only now: a log that could not be written, for want of room perhaps, is asked again with the next tick.
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
 * Bytes that other VMs will still write at the target of a VM: those whose power-off was begun before its own, and whose
 * sources therefore are off, or about to be. They have been promised the room.
 *
 * @param others VMs that have a place, the VM itself perhaps among them
 */
export function roomTaken(state: VmLive, others: readonly VmLive[]): number {
  const own = turnOf(state);
  return others
    .filter(({ record }) => record.target.providerId === state.record.target.providerId)
    .filter((other) => powerOffBegan(other) && turnOf(other) < own)
    .reduce((sum, other) => sum + stillToWrite(other), 0);
}

/** In the order in which power-offs were begun. */
function turnOf({ attempts, record: { migrationId, index } }: VmLive): string {
  const off = attempts.findLast(
    ({ step, startedAt }) => step === 'SourcePowerOff' && startedAt !== undefined,
  );
  return `${off?.startedAt ?? ''} ${migrationId}/${index}`;
}

/** Of a warm VM as much is taken to come as came with the last pass after the first; of an overlay nothing is written any more once it is committed. */
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

/** A job is a message: of ten thousand failed VMs the first are named, and the others counted. */
const MOST_NAMED = 20;

/** What a hook on failure is told: of what its VM failed, or which VMs of its plan did, and of what. */
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
