import { setTimeout as delay } from 'node:timers/promises';
import {
  type AttemptRef,
  type Job,
  type Resource,
  type ScheduleLimits,
  type StepResult,
  WORKER_PROTOCOL,
} from '@ledgerlift/contracts';
import type { EventLog } from '@ledgerlift/event-log';
import { openAttempt } from '@ledgerlift/migration';
import type { ResolvedPlan } from '@ledgerlift/planning';
import { LeaseService } from '../../bus/lease-service.js';
import { type CommandContext, LogEventWriter } from '../../log/event-writer.js';
import { PresenceKeeper } from '../presence-keeper.js';
import type { MigrationRun } from '../run-service.js';
import { RunsUnderTest } from './runs-under-test.js';

const anna: CommandContext = {
  actor: { kind: 'user', name: 'anna', authenticatedBy: 'spec' },
  causationId: 'request',
  correlationId: 'request',
};

export interface LifeOptions {
  readonly worker: string;
  readonly limits: ScheduleLimits;
  readonly leaseMs: number;
  /** How long a step takes; left out: no time. */
  readonly works?: (job: Job) => Promise<void>;
}

/** What a worker says that finds everything done. */
function resultOf({ step, record, pass, hook }: Job): StepResult {
  switch (step) {
    case 'Initialize':
      return { step, powerState: 'off', fingerprint: record.source.vm.fingerprint };
    case 'SourcePowerOff':
      return { step, momentId: 'm', how: 'was-off' };
    case 'DiskAllocation':
      return { step, disks: [] };
    case 'DiskTransfer':
      return { step, disks: [], pass: pass ?? { kind: 'cold', round: 0 } };
    case 'SnapshotCreation': {
      const name = `snapshot-${pass?.round ?? 0}`;
      const snapshot = { name, id: name, momentId: name, createdAt: new Date().toISOString(), disks: [] };
      return { step, snapshot };
    }
    case 'SnapshotRemoval':
      return { step, removed: [] };
    case 'VirtualMachineCreation':
      return { step, files: [] };
    case 'FinalPowerActions':
      return { step, sourcePowerState: 'off', target: 'none' };
    case 'PreHook':
    case 'CutoverHook':
    case 'PostHook':
      return { step, hook: hook?.name ?? '', said: '' };
    case 'Cleanup':
      return { step };
    default:
      throw new Error(`nobody works on ${step}`);
  }
}

/** `SnapshotRemoval` takes all of the VM's snapshots away. */
const released = ({ step, release, ledger }: Job): readonly Resource[] =>
  step === 'SnapshotRemoval' ? ledger.filter(({ kind }) => kind === 'snapshot') : release;

/** One life of a planner, with workers that are done at once; until it is killed. */
export class Life {
  readonly #stopped = new AbortController();
  readonly #decided: RunsUnderTest;
  readonly #desk: LeaseService;
  readonly #keeper: PresenceKeeper;
  readonly failures: unknown[] = [];
  mostAtOnce = 0;

  private constructor(
    log: EventLog,
    private readonly options: LifeOptions,
  ) {
    const writer = new LogEventWriter(log);
    this.#keeper = new PresenceKeeper(log, writer, {
      bus: { isConnected: () => true, restart: () => undefined, isTaken: () => Promise.resolve(true) },
      now: Date.now,
      returned: () => {
        this.#desk.returned();
        this.#decided.processes.returned();
      },
    });
    this.#decided = new RunsUnderTest(log, writer, {
      limits: options.limits,
      presence: () => this.#keeper.presence,
      failed: (_what, error) => {
        this.#failed(error);
      },
    });
    this.#decided.feed.add((event) => this.#keeper.restore(event));
    this.#desk = new LeaseService(this.#decided.states, {
      leaseMs: options.leaseMs,
      now: Date.now,
      isAway: () => this.#keeper.presence.isAway,
    });
  }

  static async begin(log: EventLog, options: LifeOptions): Promise<Life> {
    const life = new Life(log, options);
    await life.#decided.begin(() => {
      life.#keeper.begin();
      life.#desk.restore();
    });
    void life.#work();
    return life;
  }

  start(plan: ResolvedPlan): Promise<string> {
    return this.#decided.runs.start(plan, anna);
  }

  cutOver(migrationId: string): Promise<number> {
    const now = new Date();
    const command = { kind: 'cutover', reason: 'now', by: 'anna', dueAt: now, at: now } as const;
    return this.#decided.runs.askVms(migrationId, command, anna);
  }

  cancel(migrationId: string): Promise<void> {
    return this.#decided.runs.cancelMigration(migrationId, 'enough', anna);
  }

  run(migrationId: string): MigrationRun {
    const run = this.#decided.runs.migration(migrationId);
    if (run === undefined) throw new Error('the migration is not known');
    return run;
  }

  async reaches(migrationId: string, wanted: (run: MigrationRun) => boolean): Promise<MigrationRun> {
    while (!wanted(this.run(migrationId)) && !this.#stopped.signal.aborted) {
      const { running, cleaning } = this.run(migrationId).phases;
      this.mostAtOnce = Math.max(this.mostAtOnce, running + cleaning);
      await delay(5);
    }
    return this.run(migrationId);
  }

  reconcile(): Promise<void> {
    return this.#decided.processes.reconcile();
  }

  kill(): void {
    this.#stopped.abort();
    this.#decided.processes.stop();
    void this.#decided.feed.stop();
  }

  async #work(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        const attempts = [...this.#decided.states.index.requested].map((stream) => this.#attempt(stream));
        // One that takes its time holds nobody else up.
        if (this.options.works === undefined) await Promise.all(attempts);
        else for (const attempt of attempts) attempt.catch((error: unknown) => this.#failed(error));
        await this.#keeper.tick();
        await this.#desk.expire();
      } catch (error) {
        this.#failed(error);
      }
      await delay(1);
    }
  }

  async #attempt(stream: string): Promise<void> {
    const state = this.#decided.states.vm(stream);
    const open = state && openAttempt(state);
    if (open === undefined) return;
    const ref: AttemptRef = { stream, step: open.step, attempt: open.attempt, worker: this.options.worker };
    const answer = await this.#desk.claim({ ...ref, protocol: WORKER_PROTOCOL });
    if (answer.answer === 'refused' || this.#stopped.signal.aborted) return;
    await this.options.works?.(answer.job);
    if (this.#stopped.signal.aborted) return;
    await this.#desk.report({
      ref,
      number: 1,
      claimed: [],
      adopted: [],
      released: released(answer.job).map((resource) => ({ resource, how: 'removed' })),
      conditions: [],
      checkpoints: [],
      outcome: { kind: 'completed', result: resultOf(answer.job) },
    });
  }

  #failed(error: unknown): void {
    if (!this.#stopped.signal.aborted) this.failures.push(error);
  }
}
