import { describe, expect, it } from '@jest/globals';
import {
  type Condition,
  type DiskCheckpoint,
  type Report,
  type Resource,
  type SourceDisk,
  type StepOutcome,
  type StepResult,
  WarmSettings,
  resourceKey,
} from '@ledgerlift/contracts';
import { alwaysPresent } from '../presence.js';
import {
  completedBy,
  connectionReset,
  failedWith,
  noon,
  noRoot,
  record,
  warmItinerary,
} from '../spec/fixtures.js';
import { History } from '../spec/vm-specification.js';
import type { VmCommand } from './commands.js';
import { decideVm } from './decide.js';
import { evolveVm } from './evolve.js';
import { withCondition } from './folding.js';
import { forecastOf } from './forecast.js';
import { jobOf } from './job.js';
import { pipelineOf } from './pipeline.js';
import { attemptsOf, awaitedRemovalOf, openAttempt, retryOf, type VmLive, type VmState } from './state.js';

/** Default `max_payload` of nats-server. */
const MAX_PAYLOAD = 2 ** 20;
const INTERVAL_MS = 900_000;
const SECOND = 1000;
const GiB = 2 ** 30;

const disks: readonly SourceDisk[] = Array.from({ length: 10 }, (_, index) => ({
  id: `disk-${index}`,
  name: `Hard disk ${index + 1}`,
  capacityBytes: 200 * GiB,
  storage: 'datastore1',
  bus: 'scsi',
  controller: 0,
  unit: index,
  shared: false,
  backing: { kind: 'extension', data: { vmId: 'vm-1' } },
}));

/** A warm VM with ten disks, whose clock goes on by a second with each command. */
class Life {
  state: VmState;
  now = noon.getTime();
  /** Largest report so far, in bytes. */
  largest = 0;

  constructor() {
    const warm = WarmSettings.parse({ precopyIntervalMs: INTERVAL_MS, cutover: { by: 'command' } });
    const settings = { ...record.settings, type: 'warm' as const, warm };
    const vm = { ...record.source.vm, disks: [...disks] };
    const own = { ...record, source: { ...record.source, vm }, settings };
    this.after({ kind: 'plan', record: own, itinerary: warmItinerary });
    this.after({ kind: 'admit', at: new Date(this.now) });
    this.completes('Initialize', 'DiskAllocation', 'SnapshotCreation', 'DiskTransfer');
  }

  get live(): VmLive {
    if (this.state === undefined) throw new Error('the VM is not planned');
    return this.state;
  }

  after(command: VmCommand): void {
    this.now += SECOND;
    const time = new Date(this.now).toISOString();
    for (const event of decideVm(command, this.state)) this.state = evolveVm(this.state, event, time);
  }

  rounds(count: number): void {
    for (let round = 0; round < count; round += 1) {
      this.now += INTERVAL_MS;
      this.after({ kind: 'wake', at: new Date(this.now), random: 0, presence: alwaysPresent });
      this.after({ kind: 'admit', at: new Date(this.now) });
      if (awaitedRemovalOf(this.live) !== undefined) this.after({ kind: 'take-removal-slot' });
      this.completes('SnapshotRemoval', 'SnapshotCreation', 'DiskTransfer');
    }
  }

  completes(...steps: readonly StepResult['step'][]): void {
    for (const step of steps) this.does(step, this.#outcomeOf(step));
  }

  /** One attempt, with a checkpoint of each disk where it copies. */
  does(step: StepResult['step'], outcome: StepOutcome): void {
    const open = openAttempt(this.live);
    if (open?.step !== step)
      throw new Error(`${step} is not requested, but ${open?.step ?? this.live.phase}`);
    const { attempt } = open;
    const at = new Date(this.now);
    this.after({ kind: 'claim', step, attempt, worker: 'w1', at });
    const removed = Object.values(this.live.ledger).filter(({ kind }) => kind === 'snapshot');
    const report: Report = {
      ref: { stream: 'vm-m1-0', step, attempt, worker: 'w1' },
      number: 1,
      claimed: [],
      released:
        step === 'SnapshotRemoval' ? removed.map((resource) => ({ resource, how: 'removed' as const })) : [],
      conditions: [],
      checkpoints: step === 'DiskTransfer' ? this.#checkpoints() : [],
      outcome,
    };
    this.largest = Math.max(this.largest, bytesOf(report));
    this.after({ kind: 'report', report, at, random: 0 });
  }

  #outcomeOf(step: StepResult['step']): StepOutcome {
    const { round } = this.live;
    if (step === 'SnapshotCreation') {
      const id = (index: number): string => `52 de c0 d9 b9 43 9d 10-${index}/${round}`;
      const snapshot = {
        name: `ledgerlift-run-0-${round}`,
        id: `snapshot-${round}`,
        momentId: `moment-${round}`,
        createdAt: new Date(this.now).toISOString(),
        disks: disks.map((disk, index) => ({ diskId: disk.id, changeId: id(index) })),
      };
      return { kind: 'completed', result: { step, snapshot } };
    }
    if (step !== 'DiskTransfer') return completedBy(step, round);
    const one = {
      size: 200 * GiB,
      digest: 'd'.repeat(64),
      bytesRead: round === 0 ? 100 * GiB : GiB,
      bytesWritten: GiB,
      bytesZeroed: 0,
      resumed: 'went on from another moment: 1073741824 bytes changed since',
      verified: 'none' as const,
    };
    const copied = disks.map(({ id }) => ({ ...one, diskId: id, name: id }));
    return {
      kind: 'completed',
      result: { step, disks: copied, pass: { kind: round === 0 ? 'full' : 'delta', round } },
    };
  }

  #checkpoints(): DiskCheckpoint[] {
    return disks.map(({ id }) => ({
      diskId: id,
      momentId: `moment-${this.live.round}`,
      changeId: `52 de c0 d9 b9 43 9d 10/${this.live.round}`,
      bytesDone: 200 * GiB - this.now,
      bytesTotal: 200 * GiB,
      manifestDigest: 'e'.repeat(64),
    }));
  }
}

const bytesOf = (what: unknown): number => Buffer.byteLength(JSON.stringify(what));
const jobBytes = ({ live }: Life): number => bytesOf(jobOf(live, { step: 'DiskTransfer', attempt: 1 }));
/** Numbers of passes have more digits later. */
const DIGITS = 400;

describe('the clean-up of very many resources', () => {
  it('is requested in messages of bounded size, and leaves nothing out', () => {
    const resources = Array.from({ length: 1200 }, (_, n): Resource => ({
      kind: 'manifest',
      name: `default/web/manifests/${n}.yaml`,
      service: n % 3 === 0 ? 'vm-creator' : 'transfer',
      lifetime: 'result',
    }));
    const ledger = Object.fromEntries(resources.map((resource) => [resourceKey(resource), resource]));
    const before = History.warm().admitted().completes('Initialize');
    let history = History.of({ ...before.live, ledger }).after({ kind: 'cancel', reason: 'stop' });
    const sizes: number[] = [];
    while (openAttempt(history.live)?.step === 'Cleanup') {
      sizes.push(openAttempt(history.live)?.release.length ?? 0);
      history = history.completes('Cleanup');
    }
    expect(sizes).toEqual([400, 500, 300]);
    expect(history.live).toMatchObject({ phase: 'canceled', ledger: {}, kept: [] });
  });

  it('continues with the rest if some could not be removed', () => {
    const resources = Array.from({ length: 600 }, (_, n): Resource => ({
      kind: 'manifest',
      name: `default/web/manifests/${n}.yaml`,
      service: 'transfer',
      lifetime: 'result',
    }));
    const ledger = Object.fromEntries(resources.map((resource) => [resourceKey(resource), resource]));
    const before = History.warm().admitted().completes('Initialize');
    const canceled = History.of({ ...before.live, ledger }).after({ kind: 'cancel', reason: 'stop' });
    const rest = canceled.fails('Cleanup', noRoot);
    expect(openAttempt(rest.live)?.release).toHaveLength(100);
    expect(rest.completes('Cleanup').decided.kept).toHaveLength(500);
  });
});

describe('a warm VM with ten disks, after 1,000 rounds', () => {
  const life = new Life();
  life.rounds(10);
  const early = { job: jobBytes(life), state: bytesOf(life.live), report: life.largest };
  life.rounds(990);

  it('has a job of the same size as after 10, far below the message limit', () => {
    expect(life.live.round).toBe(1000);
    expect(jobBytes(life) - early.job).toBeLessThan(DIGITS);
    expect(jobBytes(life)).toBeLessThan(MAX_PAYLOAD / 32);
  });

  it('has reports and checkpoints of the same size', () => {
    expect(life.largest - early.report).toBeLessThan(DIGITS);
    expect(life.largest).toBeLessThan(MAX_PAYLOAD / 64);
    for (const checkpoint of Object.values(life.live.checkpoints))
      expect(bytesOf(checkpoint)).toBeLessThan(300);
  });

  it('uses the same memory', () => {
    expect(bytesOf(life.live) - early.state).toBeLessThan(DIGITS);
    expect(life.live.attempts.length).toBeLessThan(20);
  });

  it('shows how many attempts there were, and since when', () => {
    expect(attemptsOf(life.live, 'DiskTransfer')).toBe(1001);
    const [first, passes] = pipelineOf(life.live).filter(({ step }) => step === 'DiskTransfer');
    expect(first).toMatchObject({ attempts: 1, status: 'Completed' });
    expect(passes).toMatchObject({ attempts: 1000 });
    expect(Date.parse(passes?.startedAt ?? '')).toBeLessThan(noon.getTime() + 2 * INTERVAL_MS);
  });

  it('forecasts from the largest round, and from the changes between the last two snapshots', () => {
    // The first pass read 1,000 GiB in the second between its start and its end.
    const forecast = forecastOf(life.live, new Date(life.now));
    expect(forecast.bytesPerSecond).toBe(1000 * GiB);
    const between = INTERVAL_MS + 9 * SECOND;
    expect(forecast.deltaBytes).toBeGreaterThan(0);
    expect(forecast.deltaBytes).toBeLessThan((10 * GiB * 10 * SECOND) / between);
  });

  it('still knows which snapshot the last complete round read', () => {
    const { results } = jobOf(life.live, { step: 'TestBoot', attempt: 1 });
    expect(results.filter(({ step }) => step === 'SnapshotCreation')).toMatchObject([
      { snapshot: { name: 'ledgerlift-run-0-1000' } },
    ]);
    expect(results.map(({ step }) => step)).toEqual(
      expect.arrayContaining(['Initialize', 'DiskAllocation', 'DiskTransfer', 'SnapshotRemoval']),
    );
  });
});

describe('a round that fails again and again, with progress each time', () => {
  it('uses the same memory after 1,000 attempts as after 10', () => {
    const life = new Life();
    life.now += INTERVAL_MS;
    life.after({ kind: 'wake', at: new Date(life.now), random: 0, presence: alwaysPresent });
    life.after({ kind: 'admit', at: new Date(life.now) });
    if (awaitedRemovalOf(life.live) !== undefined) life.after({ kind: 'take-removal-slot' });
    life.completes('SnapshotRemoval', 'SnapshotCreation');
    const again = (times: number): void => {
      for (let time = 0; time < times; time += 1) {
        life.does('DiskTransfer', failedWith(connectionReset));
        life.now = Date.parse(retryOf(life.live)?.dueAt ?? '');
        life.after({ kind: 'wake', at: new Date(life.now), random: 0, presence: alwaysPresent });
      }
    };
    again(10);
    const early = bytesOf(life.live);
    again(990);
    expect(attemptsOf(life.live, 'DiskTransfer')).toBe(1002);
    expect(bytesOf(life.live) - early).toBeLessThan(DIGITS);
  });
});

describe('a checkpoint that an older version logged', () => {
  it('is folded without its list of chunks', () => {
    const life = new Life();
    const checkpoint = {
      diskId: 'disk-0',
      momentId: 'm',
      ranges: [{ offset: 0, length: 1 }],
      bytesDone: 1,
      bytesTotal: 2,
      manifestDigest: 'x',
    };
    const data = { step: 'DiskTransfer', attempt: 1, report: 2, checkpoints: [checkpoint] } as const;
    const { ranges: _ranges, ...rest } = checkpoint;
    const state = evolveVm(life.live, {
      type: 'StepCheckpointed',
      data: { ...data, checkpoints: [checkpoint] },
    });
    expect(state?.checkpoints['disk-0']).toEqual(rest);
  });
});

describe('conditions that differ each time', () => {
  it('are kept up to a limit: the newest, and those with a unique reason', () => {
    const raised = (reason: string, message: string): Condition => ({
      type: 'T',
      category: 'Warn',
      reason,
      message,
      items: [],
      durable: true,
    });
    let conditions = withCondition([], raised('once', 'first'));
    for (let time = 0; time < 1000; time += 1)
      conditions = withCondition(conditions, raised('often', `${time}`));
    expect(conditions).toHaveLength(100);
    expect(conditions[0]?.reason).toBe('once');
    expect(conditions.at(-1)?.message).toBe('999');
  });
});
