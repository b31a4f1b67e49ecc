import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type AttemptRef, ScheduleLimits } from '@ledgerlift/contracts';
import { openTemporaryLog } from '@ledgerlift/event-log/contract';
import { openAttempt } from '@ledgerlift/migration';
import { LogEventWriter } from '../log/log-event-writer.js';
import { RunEngine } from '../runs/run-engine.js';
import { systemContext } from '../runs/system-context.js';
import { resolvePlan } from '../validation/resolve-plan.js';
import { factsWith, webVm } from '../validation/spec/facts.js';
import { AttemptDesk } from './attempt-desk.js';

const LEASE_MS = 15_000;
const WEEK = 7 * 86_400_000;

let opened: Awaited<ReturnType<typeof openTemporaryLog>>;
let engine: RunEngine;
let desk: AttemptDesk;
let now = 0;
let isAway = false;

beforeEach(async () => {
  now = Date.parse('2026-11-27T16:00:00Z');
  isAway = false;
  opened = await openTemporaryLog();
  const signals = {
    stop: () => undefined,
    progressOf: () => undefined,
    failed: (_what: string, error: unknown) => {
      throw error;
    },
  };
  engine = new RunEngine(opened.log, new LogEventWriter(opened.log), signals, {
    limits: ScheduleLimits.parse({ vms: 1 }),
    presence: () => ({ absences: [], isAway }),
  });
  desk = new AttemptDesk(engine, { leaseMs: LEASE_MS, now: () => now, isAway: () => isAway });
});
afterEach(async () => {
  engine.stop();
  await opened.destroy();
});

/** A VM whose first step a worker has claimed. */
async function claimed(): Promise<AttemptRef> {
  const plan = resolvePlan(factsWith([webVm], {}), 'leases', []);
  if (plan === undefined) throw new Error('the plan cannot be resolved');
  await engine.start(plan, systemContext('spec'));
  while (engine.vms.requested.size === 0) await new Promise((resolve) => setImmediate(resolve));
  const [stream = ''] = engine.vms.requested;
  const ref: AttemptRef = { stream, step: 'Initialize', attempt: 1, worker: 'transfer/spec/1' };
  expect((await desk.claim(ref)).answer).toBe('granted');
  return ref;
}
const statusOf = ({ stream }: AttemptRef): string | undefined => {
  const state = engine.state(stream);
  return state && openAttempt(state)?.status;
};

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
