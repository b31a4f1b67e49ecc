/**
 * Express loads CommonJS packages, which must not be given their ES modules.
 *
 * @jest-environment-options {"customExportConditions": ["@ledgerlift/source", "node"]}
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openTemporaryLog } from '@ledgerlift/event-log/contract';
import type { VmLive } from '@ledgerlift/migration';
import {
  inventoryOf,
  networkSpec,
  planSpec,
  sourceSpec,
  storageSpec,
  targetLetGo,
  webVm,
} from '@ledgerlift/planning/spec';
import { systemContext } from '../runs/stream-names.js';
import { PlannerUnderTest, type Reply } from './spec/planner-under-test.js';

const dbVm = { ...webVm, id: 'db.ova#db', name: 'db', path: '/ovas/db.ova' };
let temporary: Awaited<ReturnType<typeof openTemporaryLog>>;
let planner: PlannerUnderTest;

beforeEach(async () => {
  temporary = await openTemporaryLog();
  planner = await PlannerUnderTest.start(temporary.log, inventoryOf(webVm, dbVm));
});
afterEach(async () => {
  await planner.stop();
  await temporary.destroy();
  expect(planner.faults).toEqual([]);
});

async function created(path: string, body: unknown): Promise<string> {
  const reply = await planner.call('POST', path, body);
  expect(`${reply.status} ${reply.text}`).toMatch(/^201 /);
  return String(reply.body['id']);
}
async function startedPlan(
  vms = planSpec.vms,
): Promise<{ readonly plan: string; readonly migration: string }> {
  await created('/providers', sourceSpec);
  await created('/providers', { name: 'out', type: 'directory', settings: { path: planner.folder } });
  await created('/mappings', networkSpec);
  await created('/mappings', storageSpec);
  const plan = await created('/plans', { ...planSpec, vms });
  return { plan, migration: await created(`/plans/${plan}/start`, undefined) };
}
const context = systemContext('plans');
const refused = (reply: Reply) => ({ status: reply.status, code: reply.body.error?.code });

describe('a VM of a migration', () => {
  it('has its scheduled cutover approved for one time, and withdrawn', async () => {
    const { plan, migration } = await startedPlan();
    const path = `/migrations/${migration}/vms/0`;
    const cutoverAt = '2026-12-05T22:00:00.000Z';
    expect(await planner.call('POST', `${path}/approve`, { reason: 'yes', cutoverAt })).toMatchObject({
      status: 200,
    });
    expect(refused(await planner.call('POST', `${path}/approve`, { cutoverAt: 'Saturday' }))).toEqual({
      status: 400,
      code: 'LL-API-001',
    });
    expect(await planner.call('POST', `${path}/withdraw-cutover`, { reason: 'no' })).toMatchObject({
      status: 200,
    });
    expect(await planner.call('POST', `/plans/${plan}/withdraw-cutover`)).toMatchObject({ status: 200 });
    expect(planner.runs.calls.slice(-3)).toEqual([
      `approve-cutover vm-${migration}-0: yes`,
      `withdraw-cutover vm-${migration}-0: no`,
      `withdraw-cutover all of ${migration}`,
    ]);
  });

  it('takes the words for what is left after its end, and the target must be named', async () => {
    const { migration } = await startedPlan();
    const path = `/migrations/${migration}/vms/0`;
    expect(await planner.call('POST', `${path}/clean-up`, { reason: 'back' })).toMatchObject({ status: 200 });
    expect(refused(await planner.call('POST', `${path}/delete-target`, { reason: 'gone' }))).toEqual({
      status: 400,
      code: 'LL-API-001',
    });
    const body = { reason: 'gone', targetName: 'web' };
    expect(await planner.call('POST', `${path}/delete-target`, body)).toMatchObject({ status: 200 });
    expect(planner.runs.calls.slice(-2)).toEqual([
      `clean-up vm-${migration}-0: back`,
      `delete-target vm-${migration}-0: gone`,
    ]);
  });
});

describe('what a clean-up left', () => {
  it('is removed soon after its source is back, and that of other sources is not', async () => {
    const { migration } = await startedPlan();
    const snapshot = { kind: 'snapshot', name: 's', service: 'transfer', lifetime: 'temporary' } as const;
    planner.runs.change(migration, 0, {
      phase: 'failed',
      ledger: { 'snapshot:s': snapshot },
      endedAt: '2026-11-23T12:00:00.000Z',
    });
    const source = planner.runs.migration(migration)?.vms[0]?.state?.record.source.provider.id ?? '';
    const { plans } = planner.api;
    const at = (time: string) => new Date(`2026-11-23T${time}Z`);
    const cleanUps = (): number => planner.runs.calls.filter((call) => call.startsWith('clean-up')).length;
    expect([...(await plans.removeLeftovers(context, at('12:02:00')))]).toEqual([source]);
    await plans.removeLeftovers(context, at('12:02:00'), 'another');
    await plans.removeLeftovers(context, at('12:00:59'), source);
    expect(cleanUps()).toBe(0);
    await plans.removeLeftovers(context, at('12:02:00'), source);
    expect(cleanUps()).toBe(1);
  });
});

describe('a retry of a plan', () => {
  it('leaves a VM out whose target was let go, and says why where it is the only one', async () => {
    const { plan, migration } = await startedPlan([{ ref: 'web' }, { ref: 'db' }]);
    planner.runs.change(migration, 0, { phase: 'failed', ...letGo });
    planner.runs.change(migration, 1, { phase: 'failed' });
    expect(await planner.call('POST', `/plans/${plan}/retry`, { reason: 'again' })).toMatchObject({
      status: 200,
    });
    expect(planner.runs.calls.filter((call) => call.startsWith('retry'))).toEqual([
      `retry vm-${migration}-1: again`,
    ]);
    const reply = await planner.call('POST', `/plans/${plan}/retry`);
    expect(refused(reply)).toEqual({ status: 409, code: 'LL-MIG-012' });
    expect(reply.body.error?.message).toMatch(/rollback.*delete-target/);
  });
});

/** Its start was asked for, and it stands before its disks again. */
const letGo: Pick<VmLive, 'at' | 'attempts'> = {
  at: 0,
  attempts: [targetLetGo(7)],
};
