import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type AttemptRef, type Job, ScheduleLimits, type StepResult } from '@ledgerlift/contracts';
import { auditVerify } from '@ledgerlift/event-log';
import { openTemporaryLog } from '@ledgerlift/event-log/contract';
import { openAttempt } from '@ledgerlift/migration';
import { AttemptDesk } from '../bus/attempt-desk.js';
import type { CommandContext } from '../log/event-writer.js';
import { LogEventWriter } from '../log/log-event-writer.js';
import { resolvePlan } from '../validation/resolve-plan.js';
import { factsWith, vmNamed } from '../validation/spec/facts.js';
import { RunEngine } from './run-engine.js';
import type { MigrationRun, ResolvedPlan } from './run-service.js';

const VMS = 2000;
const AT_ONCE = 50;
const LEASE_MS = 200;

const anna: CommandContext = {
  actor: { kind: 'user', name: 'anna', authenticatedBy: 'spec' },
  causationId: 'request',
  correlationId: 'request',
};

const planOf = (count: number): ResolvedPlan => {
  const vms = Array.from({ length: count }, (_, number) => vmNamed(`vm-${number}`));
  const spec = { skipGuestConversion: true, maxConcurrentMigrations: AT_ONCE };
  const resolved = resolvePlan(factsWith(vms, { spec }), 'scale', []);
  if (resolved === undefined) throw new Error('the plan cannot be resolved');
  return resolved;
};

/** What a worker says that finds everything done. */
function resultOf({ step, record }: Job): StepResult {
  switch (step) {
    case 'Initialize':
      return { step, powerState: 'off', fingerprint: record.source.vm.fingerprint };
    case 'SourcePowerOff':
      return { step, momentId: 'm', how: 'was-off' };
    case 'DiskAllocation':
      return { step, disks: [] };
    case 'DiskTransfer':
      return { step, disks: [], pass: { kind: 'cold', round: 0 } };
    case 'VirtualMachineCreation':
      return { step, files: [] };
    case 'FinalPowerActions':
      return { step, sourcePowerState: 'off', target: 'none' };
    case 'Cleanup':
      return { step };
    default:
      throw new Error(`nobody works on ${step}`);
  }
}

let opened: Awaited<ReturnType<typeof openTemporaryLog>>;

/** One life of a planner, with workers that are done at once; until it is killed. */
class Life {
  readonly #stopped = new AbortController();
  readonly #engine: RunEngine;
  readonly #desk: AttemptDesk;
  readonly failures: unknown[] = [];
  mostAtOnce = 0;

  private constructor(private readonly worker: string) {
    this.#engine = new RunEngine(
      opened.log,
      new LogEventWriter(opened.log),
      {
        stop: () => undefined,
        progressOf: () => undefined,
        failed: (_what, error) => {
          if (!this.#stopped.signal.aborted) this.failures.push(error);
        },
      },
      { limits: ScheduleLimits.parse({ vms: AT_ONCE }) },
    );
    this.#desk = new AttemptDesk(this.#engine, { leaseMs: LEASE_MS, now: Date.now });
  }

  static async begin(worker: string): Promise<Life> {
    const life = new Life(worker);
    for await (const event of opened.log.readAll()) life.#engine.restore(event);
    life.#desk.restore();
    await life.#engine.restored();
    void life.#work();
    return life;
  }

  start(plan: ResolvedPlan): Promise<string> {
    return this.#engine.start(plan, anna);
  }

  cancel(migrationId: string): Promise<void> {
    return this.#engine.cancelMigration(migrationId, 'enough', anna);
  }

  run(migrationId: string): MigrationRun {
    const run = this.#engine.migration(migrationId);
    if (run === undefined) throw new Error('the migration is not known');
    return run;
  }

  async reaches(migrationId: string, wanted: (run: MigrationRun) => boolean): Promise<MigrationRun> {
    while (!wanted(this.run(migrationId))) {
      const { running, cleaning } = this.run(migrationId).phases;
      this.mostAtOnce = Math.max(this.mostAtOnce, running + cleaning);
      await delay(5);
    }
    return this.run(migrationId);
  }

  kill(): void {
    this.#stopped.abort();
    this.#engine.stop();
  }

  async #work(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        await Promise.all([...this.#engine.vms.requested].map((stream) => this.#attempt(stream)));
        await this.#desk.expire();
      } catch (error) {
        if (!signal.aborted) this.failures.push(error);
      }
      await delay(1);
    }
  }

  async #attempt(stream: string): Promise<void> {
    const state = this.#engine.state(stream);
    const open = state && openAttempt(state);
    if (open === undefined) return;
    const ref: AttemptRef = { stream, step: open.step, attempt: open.attempt, worker: this.worker };
    const answer = await this.#desk.claim(ref);
    if (answer.answer === 'refused' || this.#stopped.signal.aborted) return;
    await this.#desk.report({
      ref,
      number: 1,
      claimed: [],
      adopted: [],
      released: answer.job.release.map((resource) => ({ resource, how: 'removed' })),
      conditions: [],
      checkpoints: [],
      outcome: { kind: 'completed', result: resultOf(answer.job) },
    });
  }
}

beforeEach(async () => {
  opened = await openTemporaryLog();
});
afterEach(() => opened.destroy());

describe('a plan of two thousand VMs', () => {
  it('starts, is killed and goes on, and ends when the rest is canceled', async () => {
    const first = await Life.begin('transfer/spec/1');
    const id = await first.start(planOf(VMS));
    await first.reaches(id, ({ phases }) => phases.succeeded >= 300);
    first.kill();
    await opened.reopen();
    expect(first.failures).toEqual([]);

    const second = await Life.begin('transfer/spec/2');
    expect(second.run(id).phases.succeeded).toBeGreaterThanOrEqual(300);
    expect(second.run(id).vms).toHaveLength(VMS);
    await second.reaches(id, ({ phases }) => phases.succeeded >= 600);
    await second.cancel(id);
    const ended = await second.reaches(id, ({ completedAt }) => completedAt !== undefined);
    second.kill();

    const { succeeded, canceled } = ended.phases;
    expect(succeeded + canceled).toBe(VMS);
    expect(succeeded).toBeGreaterThanOrEqual(600);
    expect(Math.max(first.mostAtOnce, second.mostAtOnce)).toBeLessThanOrEqual(AT_ONCE);
    expect(second.failures).toEqual([]);

    await opened.reopen();
    expect((await auditVerify(opened.log)).findings).toEqual([]);
    const third = await Life.begin('transfer/spec/3');
    const again = third.run(id);
    third.kill();
    // What was kept up to date event by event is what is read from the log at once.
    expect({ phases: again.phases, percent: again.percent }).toEqual({
      phases: ended.phases,
      percent: ended.percent,
    });
    expect(again.vms).toEqual(ended.vms);
    const kept = again.vms.flatMap(({ state }) => Object.keys(state?.ledger ?? {}));
    const canceledWith = again.vms.filter(
      ({ state }) => state?.phase === 'canceled' && Object.keys(state.ledger).length > 0,
    );
    expect(kept.length).toBeGreaterThan(0);
    expect(canceledWith).toEqual([]);
    await expectPlacesFree();
  }, 120_000);
});

/** Everybody who got a place gave it back, once. */
async function expectPlacesFree(): Promise<void> {
  const held = new Map<string, number>();
  for await (const { type, data } of opened.log.readStream('schedule')) {
    const { migrationId, vm } = data as { readonly migrationId: string; readonly vm: number };
    const key = `${migrationId}/${vm}`;
    if (type === 'VmAdmitted') held.set(key, (held.get(key) ?? 0) + 1);
    if (type === 'VmSlotReleased') held.delete(key);
  }
  expect([...held]).toEqual([]);
}
