import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ScheduleLimits } from '@ledgerlift/contracts';
import { auditVerify } from '@ledgerlift/event-log';
import { openTemporaryLog } from '@ledgerlift/event-log/contract';
import type { ResolvedPlan } from '@ledgerlift/planning';
import { factsWith, resolvePlan, vmNamed } from '@ledgerlift/planning/spec';
import { Life } from './spec/life.js';

const VMS = 2000;
const AT_ONCE = 50;
const LEASE_MS = 200;

const planOf = (count: number): ResolvedPlan => {
  const vms = Array.from({ length: count }, (_, number) => vmNamed(`vm-${number}`));
  const spec = { skipGuestConversion: true, maxConcurrentMigrations: AT_ONCE };
  const resolved = resolvePlan(factsWith(vms, { spec }), 'scale', []);
  if (resolved === undefined) throw new Error('the plan cannot be resolved');
  return resolved;
};

let opened: Awaited<ReturnType<typeof openTemporaryLog>>;
async function begin(worker: string): Promise<Life> {
  const limits = ScheduleLimits.parse({ vms: AT_ONCE });
  const life = await Life.begin(opened.log, { worker, leaseMs: LEASE_MS, limits });
  lives.push(life);
  return life;
}

beforeEach(async () => {
  opened = await openTemporaryLog();
});
const lives: Life[] = [];
afterEach(async () => {
  // Also where a test has failed: nobody goes on with a log that is gone.
  for (const life of lives.splice(0)) life.kill();
  await opened.destroy();
});

describe('a plan of two thousand VMs', () => {
  it('starts, is killed and goes on, and ends when the rest is canceled', async () => {
    const first = await begin('transfer/spec/1');
    const id = await first.start(planOf(VMS));
    await first.reaches(id, ({ phases }) => phases.succeeded >= 300);
    first.kill();
    await opened.reopen();
    expect(first.failures).toEqual([]);

    const second = await begin('transfer/spec/2');
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
    const third = await begin('transfer/spec/3');
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
  });
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
