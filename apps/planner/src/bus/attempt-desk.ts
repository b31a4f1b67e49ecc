import {
  type AttemptRef,
  type ClaimAnswer,
  type ClaimRequest,
  type Job,
  type LeaseAnswer,
  type Report,
  type ReportAnswer,
  WORKER_PROTOCOL,
} from '@ledgerlift/contracts';
import {
  AttemptSuperseded,
  CommandRefused,
  type VmLive,
  jobOf,
  openAttempt,
  powerOffFor,
  stopWanted,
} from '@ledgerlift/migration';
import type { CommandContext } from '../log/event-writer.js';
import type { RunEngine } from '../runs/run-engine.js';
import { systemContext } from '../runs/system-context.js';
import { failuresOf } from './failures.js';
import { LeaseTable } from './lease-table.js';
import { roomTaken } from './room-taken.js';

export interface AttemptDeskOptions {
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
export class AttemptDesk {
  readonly #leases: LeaseTable;

  constructor(
    private readonly engine: RunEngine,
    private readonly options: AttemptDeskOptions,
  ) {
    this.#leases = new LeaseTable(options.leaseMs);
  }

  /** After a restart: every attempt that was under way gets one lease to be heard of. */
  restore(): void {
    for (const stream of this.engine.vms.started) {
      const state = this.engine.state(stream);
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
      const { state } = await this.engine.command(ref.stream, command, serviceContext(ref));
      if (state === undefined) return { answer: 'refused', reason: `${ref.stream} is not known` };
      const open = openAttempt(state);
      if (open?.step !== ref.step || open.attempt !== ref.attempt || open.worker !== ref.worker)
        return { answer: 'refused', reason: `the request was taken back: ${state.cutoverDeferred ?? ''}` };
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
    const state = this.engine.state(ref.stream);
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
    const { places } = this.engine;
    const powerOff = powerOffFor(state, at, places.windowsOf(state));
    const job = jobOf(state, ref, failuresOf(state, this.engine), powerOff);
    return ref.step === 'SourcePowerOff' ? { ...job, roomTaken: roomTaken(state, places.placed()) } : job;
  }

  #limitOf(stream: string, { record }: VmLive): { readonly bandwidthLimit?: number } {
    const bandwidthLimit = this.engine.bandwidthOf(stream) ?? record.settings.bandwidthLimit;
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
      await this.engine.command(ref.stream, command, serviceContext(ref));
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
      await this.engine.command(ref.stream, {
        kind: 'lose',
        step: ref.step,
        attempt: ref.attempt,
        at: new Date(now),
      });
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
