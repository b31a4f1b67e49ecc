import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type AttemptRef, ScheduleLimits, WORKER_PROTOCOL } from '@ledgerlift/contracts';
import { openTemporaryLog } from '@ledgerlift/event-log/contract';
import { openAttempt } from '@ledgerlift/migration';
import { factsWith, resolvePlan, webVm } from '@ledgerlift/planning/spec';
import { LogEventWriter } from '../log/event-writer.js';
import { RunsUnderTest } from '../runs/spec/runs-under-test.js';
import { systemContext } from '../runs/stream-names.js';
import { LeaseService } from './lease-service.js';

const LEASE_MS = 15_000;
const WEEK = 7 * 86_400_000;

let opened: Awaited<ReturnType<typeof openTemporaryLog>>;
let decided: RunsUnderTest;
let desk: LeaseService;
let now = 0;
let isAway = false;

beforeEach(async () => {
  now = Date.parse('2026-11-27T16:00:00Z');
  isAway = false;
  opened = await openTemporaryLog();
  decided = new RunsUnderTest(opened.log, new LogEventWriter(opened.log), {
    limits: ScheduleLimits.parse({ vms: 1 }),
    presence: () => ({ absences: [], isAway }),
  });
  await decided.begin();
  desk = new LeaseService(decided.states, { leaseMs: LEASE_MS, now: () => now, isAway: () => isAway });
});
afterEach(async () => {
  await decided.stop();
  await opened.destroy();
});

const claim = (ref: AttemptRef) => desk.claim({ ...ref, protocol: WORKER_PROTOCOL });

/** A VM whose first step a worker has claimed. */
async function claimed(): Promise<AttemptRef> {
  const ref = await asked();
  expect((await claim(ref)).answer).toBe('granted');
  return ref;
}

/** A VM whose first step is asked for. */
async function asked(): Promise<AttemptRef> {
  const plan = resolvePlan(factsWith([webVm], {}), 'leases', []);
  if (plan === undefined) throw new Error('the plan cannot be resolved');
  await decided.runs.start(plan, systemContext('spec'));
  while (decided.states.index.requested.size === 0) await new Promise((resolve) => setImmediate(resolve));
  const [stream = ''] = decided.states.index.requested;
  const ref: AttemptRef = { stream, step: 'Initialize', attempt: 1, worker: 'transfer/spec/1' };
  return ref;
}
const statusOf = ({ stream }: AttemptRef): string | undefined => {
  const state = decided.states.vm(stream);
  return state && openAttempt(state)?.status;
};

describe('a claim of a worker of an older version', () => {
  it('is refused, and the request is left for a newer one', async () => {
    const ref = await asked();
    expect(await desk.claim(ref)).toMatchObject({
      answer: 'refused',
      reason: expect.stringMatching(/understands 1; update it/),
    });
    expect(statusOf(ref)).toBe('requested');
    expect((await claim({ ...ref, worker: 'transfer/newer/1' })).answer).toBe('granted');
  });
});

describe('a claim of the power-off', () => {
  const powerOff = (first: AttemptRef, attempt: number): AttemptRef => ({
    ...first,
    step: 'SourcePowerOff',
    attempt,
  });
  /** The next step after the first one is the power-off. */
  async function initialized(): Promise<AttemptRef> {
    const ref = await claimed();
    const result = { step: 'Initialize', powerState: 'on', fingerprint: 'f1' } as const;
    const nothing = { claimed: [], released: [], conditions: [], checkpoints: [] };
    await desk.report({ ref, number: 1, ...nothing, outcome: { kind: 'completed', result } });
    return ref;
  }
  /** At a time that the machine's clock has not come to: nothing is due by itself. */
  beforeEach(() => {
    now = Date.parse('2126-11-27T16:00:00Z');
  });
  const closeWindows = (): Promise<void> => {
    const nightly = { from: '22:00', to: '02:00' };
    return decided.runs.setLimits(
      ScheduleLimits.parse({ vms: 1, windows: [nightly] }),
      systemContext('spec'),
    );
  };

  it('is refused where the window has closed since it was asked for, and the VM waits', async () => {
    const ref = powerOff(await initialized(), 1);
    await closeWindows();
    expect(await claim(ref)).toMatchObject({
      answer: 'refused',
      reason: expect.stringMatching(/maintenance window is closed/),
    });
    expect(decided.states.vm(ref.stream)).toMatchObject({
      phase: 'waiting',
      powerOff: { dueAt: '2126-11-27T22:00:00.000Z' },
    });
    // It waits without a place, and gets one when its window opens.
    while (decided.runs.scheduled.length > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  it('says that the source is to be looked at only, where an earlier attempt was lost', async () => {
    const first = await initialized();
    const granted = await claim(powerOff(first, 1));
    expect(granted).toMatchObject({ answer: 'granted', job: { roomTaken: 0 } });
    expect(granted).not.toHaveProperty('job.powerOff');
    await closeWindows();
    const at = new Date(now);
    const { stream } = first;
    const context = systemContext(stream);
    await decided.states.commandVm(stream, { kind: 'lose', step: 'SourcePowerOff', attempt: 1, at }, context);
    const presence = { absences: [], isAway: false };
    await decided.states.commandVm(stream, { kind: 'wake', at, random: 0, presence }, context);
    expect(await claim(powerOff(first, 2))).toMatchObject({
      answer: 'granted',
      job: { powerOff: 'only-if-off' },
    });
  });
});

describe('a lease', () => {
  it('that is not renewed ends the attempt', async () => {
    const ref = await claimed();
    now += LEASE_MS;
    await desk.expire();
    expect(statusOf(ref)).not.toBe('started');
  });

  it('does not end while the planner is away, and goes on for who is heard of then', async () => {
    const ref = await claimed();
    isAway = true;
    now += WEEK;
    await desk.expire();
    expect(statusOf(ref)).toBe('started');
    expect((await desk.renew(ref)).answer).toBe('renewed');
  });

  it('has its whole time from the return on', async () => {
    const ref = await claimed();
    isAway = true;
    now += WEEK;
    isAway = false;
    desk.returned();
    now += LEASE_MS - 1;
    await desk.expire();
    expect(statusOf(ref)).toBe('started');
    now += 1;
    await desk.expire();
    expect(statusOf(ref)).not.toBe('started');
  });
});
