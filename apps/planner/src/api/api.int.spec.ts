/**
 * Express loads CommonJS packages, which must not be given their ES modules.
 *
 * @jest-environment-options {"customExportConditions": ["@ledgerlift/source", "node"]}
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MigrationView, PlanView, ProviderView, VmView } from '@ledgerlift/contracts';
import { openTemporaryLog } from '@ledgerlift/event-log/contract';
import {
  attemptState,
  inventoryOf,
  networkSpec,
  planSpec,
  sourceSpec,
  storageSpec,
  webVm,
} from '@ledgerlift/planning/spec';
import { PlannerUnderTest, type Reply } from './spec/planner-under-test.js';

let temporary: Awaited<ReturnType<typeof openTemporaryLog>>;
let planner: PlannerUnderTest;

beforeEach(async () => {
  temporary = await openTemporaryLog();
  planner = await PlannerUnderTest.start(
    temporary.log,
    inventoryOf(webVm, { ...webVm, id: 'db.ova#db', name: 'db' }),
  );
});
afterEach(async () => {
  await planner.stop();
  await temporary.destroy();
  expect(planner.faults).toEqual([]);
});

const key = (value: string) => ({ 'Idempotency-Key': value });
async function created(path: string, body: unknown): Promise<string> {
  const reply = await planner.call('POST', path, body);
  expect(`${reply.status} ${reply.text}`).toMatch(/^201 /);
  return String(reply.body['id']);
}
async function catalog(): Promise<void> {
  await created('/providers', sourceSpec);
  await created('/providers', { name: 'out', type: 'directory', settings: { path: planner.folder } });
  await created('/mappings', networkSpec);
  await created('/mappings', storageSpec);
}
async function startedPlan(): Promise<{ readonly plan: string; readonly migration: string }> {
  await catalog();
  const plan = await created('/plans', planSpec);
  return { plan, migration: await created(`/plans/${plan}/start`, undefined) };
}
/** The planner again, on the same log. */
async function restart(): Promise<void> {
  await planner.stop();
  planner = await PlannerUnderTest.start(await temporary.reopen(), inventoryOf(webVm));
}
async function eventTypes(): Promise<string[]> {
  const types = [];
  for await (const event of temporary.log.readAll()) types.push(event.type);
  return types;
}
const refused = (reply: Reply) => ({ status: reply.status, code: reply.body.error?.code });

describe('providers, mappings and plans', () => {
  it('are created, found by id and by name, changed and listed', async () => {
    const id = await created('/providers', sourceSpec);
    const byName = await planner.call('GET', '/providers/files');
    expect(ProviderView.parse(byName.body)).toMatchObject({ id, revision: 0, spec: { sites: ['local'] } });
    const changed = { ...sourceSpec, settings: { path: '/elsewhere' } };
    expect(await planner.call('PUT', `/providers/${id}`, changed)).toMatchObject({
      status: 200,
      body: { revision: 1 },
    });
    expect((await planner.call('GET', '/providers')).body).toMatchObject({ total: 1, items: [{ id }] });
  });

  it('are there again after a restart', async () => {
    await catalog();
    const plan = await created('/plans', planSpec);
    await restart();
    expect(PlanView.parse((await planner.call('GET', `/plans/${plan}`)).body)).toMatchObject({
      status: 'new',
    });
  });

  it('are not created twice under one name, not even at once', async () => {
    const replies = await Promise.all([1, 2, 3, 4].map(() => planner.call('POST', '/providers', sourceSpec)));
    expect(replies.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409]);
    expect((await planner.call('POST', '/providers', sourceSpec)).body.error).toMatchObject({
      code: 'LL-PLN-102',
      field: 'name',
    });
  });

  it('are not deleted while they are in use, and then are', async () => {
    await catalog();
    const plan = await created('/plans', planSpec);
    expect(refused(await planner.call('DELETE', '/providers/files'))).toEqual({
      status: 409,
      code: 'LL-PLN-103',
    });
    expect(refused(await planner.call('DELETE', '/mappings/nets'))).toEqual({
      status: 409,
      code: 'LL-PLN-103',
    });
    expect((await planner.call('DELETE', `/plans/${plan}`)).status).toBe(204);
    expect((await planner.call('DELETE', '/mappings/nets')).status).toBe(204);
    expect((await planner.call('DELETE', '/mappings/disks')).status).toBe(204);
    expect((await planner.call('DELETE', '/providers/files')).status).toBe(204);
    expect(refused(await planner.call('GET', '/providers/files'))).toEqual({
      status: 404,
      code: 'LL-PLN-101',
    });
  });
});

describe('the Idempotency-Key', () => {
  it('is required of every POST', async () => {
    const reply = await planner.call('POST', '/providers', sourceSpec, { 'Idempotency-Key': '' });
    expect(refused(reply)).toEqual({ status: 400, code: 'LL-API-006' });
    expect(refused(await planner.call('POST', '/providers', sourceSpec, key('k'.repeat(256))))).toEqual({
      status: 400,
      code: 'LL-API-006',
    });
  });

  it('makes a repeat answer the same, also after a restart, and while the first is under way', async () => {
    const replies = await Promise.all(
      [1, 2, 3].map(() => planner.call('POST', '/providers', sourceSpec, key('once'))),
    );
    await restart();
    replies.push(await planner.call('POST', '/providers', sourceSpec, key('once')));
    expect(new Set(replies.map(({ status, body }) => `${status} ${String(body['id'])}`)).size).toBe(1);
    expect(replies.at(-1)?.headers.get('idempotent-replayed')).toBe('true');
    expect(await eventTypes()).toEqual(['ProviderCreated']);
  });

  it('is refused with another body, also after a restart', async () => {
    await planner.call('POST', '/providers', sourceSpec, key('once'));
    const other = { ...sourceSpec, name: 'others' };
    expect(refused(await planner.call('POST', '/providers', other, key('once')))).toEqual({
      status: 422,
      code: 'LL-API-007',
    });
    await restart();
    expect(refused(await planner.call('POST', '/providers', other, key('once')))).toEqual({
      status: 422,
      code: 'LL-API-007',
    });
    expect(refused(await planner.call('POST', '/mappings', networkSpec, key('once')))).toEqual({
      status: 422,
      code: 'LL-API-007',
    });
  });

  it('does not hold a refusal fast: the same request may succeed later', async () => {
    await created('/providers', sourceSpec);
    expect((await planner.call('POST', '/providers', sourceSpec, key('later'))).status).toBe(409);
    expect((await planner.call('DELETE', '/providers/files')).status).toBe(204);
    expect((await planner.call('POST', '/providers', sourceSpec, key('later'))).status).toBe(201);
  });

  it('starts a plan once', async () => {
    await catalog();
    const plan = await created('/plans', planSpec);
    const [one, two] = await Promise.all(
      [1, 2].map(() => planner.call('POST', `/plans/${plan}/start`, undefined, key('go'))),
    );
    expect([one?.status, two?.status]).toEqual([201, 201]);
    expect(one?.body['id']).toBe(two?.body['id']);
    expect(planner.runs.calls).toEqual(['start first-wave']);
  });
});

describe('the inventory', () => {
  it('is read once, shows its age, and is read again on demand', async () => {
    await created('/providers', sourceSpec);
    const first = await planner.call('GET', '/providers/files/inventory');
    await planner.call('GET', '/providers/files/inventory');
    expect(first.body).toMatchObject({
      vms: [{ name: 'web' }, { name: 'db' }],
      ageSeconds: expect.any(Number),
    });
    expect(planner.source.reads).toBe(1);
    expect((await planner.call('POST', '/providers/files/inventory/refresh')).status).toBe(200);
    expect(planner.source.reads).toBe(2);
  });

  it('is refused of a target', async () => {
    await created('/providers', { name: 'out', type: 'directory', settings: { path: planner.folder } });
    expect(refused(await planner.call('GET', '/providers/out/inventory'))).toEqual({
      status: 409,
      code: 'LL-PLN-113',
    });
  });
});

describe('a plan', () => {
  it('does not start with a Critical condition, and says why', async () => {
    await catalog();
    const plan = await created('/plans', { ...planSpec, vms: [{ ref: 'ghost' }] });
    const reply = await planner.call('POST', `/plans/${plan}/start`);
    expect(reply).toMatchObject({
      status: 409,
      body: { error: { code: 'LL-PLN-104', conditions: [{ type: 'VMNotFound', items: ['ghost'] }] } },
    });
    expect((await planner.call('GET', `/plans/${plan}`)).body).toMatchObject({ status: 'not-ready' });
    expect(planner.runs.calls).toEqual([]);
  });

  it('is validated, starts, and shows its migration', async () => {
    await catalog();
    const plan = await created('/plans', planSpec);
    const validation = await planner.call('POST', `/plans/${plan}/validate`);
    expect(validation).toMatchObject({ status: 200, body: { ready: true, conditions: [] } });
    const start = await planner.call('POST', `/plans/${plan}/start`);
    expect(MigrationView.parse(start.body)).toMatchObject({
      planId: plan,
      status: 'running',
      counts: { waiting: 1 },
    });
    expect((await planner.call('GET', '/plans/first-wave')).body).toMatchObject({ status: 'running' });
    expect(refused(await planner.call('POST', `/plans/${plan}/start`))).toEqual({
      status: 409,
      code: 'LL-PLN-105',
    });
    expect(refused(await planner.call('DELETE', `/plans/${plan}`))).toEqual({
      status: 409,
      code: 'LL-PLN-105',
    });
  });

  it('that is changed while it runs does not change the migration', async () => {
    const { plan, migration } = await startedPlan();
    const larger = { ...planSpec, vms: [{ ref: 'web' }, { ref: 'db' }] };
    expect((await planner.call('PUT', `/plans/${plan}`, larger)).status).toBe(200);
    expect((await planner.call('GET', `/migrations/${migration}`)).body).toMatchObject({
      counts: { total: 1 },
    });
  });

  it('is canceled, once for one key', async () => {
    const { plan, migration } = await startedPlan();
    for (const _ of [1, 2]) {
      const reply = await planner.call('POST', `/plans/${plan}/cancel`, { reason: 'enough' }, key('stop'));
      expect(reply).toMatchObject({ status: 200, body: { id: migration, status: 'canceling' } });
    }
    expect(planner.runs.calls).toEqual(['start first-wave', `cancel ${migration}: enough`]);
  });

  it('is archived: read-only, its failed VMs given up', async () => {
    const { plan, migration } = await startedPlan();
    planner.runs.change(migration, 0, { phase: 'failed' });
    expect((await planner.call('POST', `/plans/${plan}/archive`)).body).toMatchObject({
      archived: true,
      status: 'archived',
    });
    expect(planner.runs.calls).toContain(`abandon vm-${migration}-0: the plan was ended`);
    expect(refused(await planner.call('PUT', `/plans/${plan}`, planSpec))).toEqual({
      status: 409,
      code: 'LL-PLN-106',
    });
    expect(refused(await planner.call('POST', `/plans/${plan}/start`))).toEqual({
      status: 409,
      code: 'LL-PLN-106',
    });
  });
});

describe('a VM', () => {
  it('shows state, pipeline and progress', async () => {
    const { migration } = await startedPlan();
    const started = attemptState({ step: 'DiskTransfer', number: 0, at: 3 });
    const progress = {
      ref: { stream: `vm-${migration}-0`, step: 'DiskTransfer', attempt: 1, worker: 'w1' },
      items: [{ name: 'disk-0', done: 50, total: 100, unit: 'bytes' }],
      message: 'copying',
      at: '2026-11-23T12:00:02.000Z',
    } as const;
    planner.runs.change(
      migration,
      0,
      { phase: 'running', at: 3, attempts: [started] },
      { ...progress, items: [...progress.items] },
    );
    const reply = await planner.call('GET', `/migrations/${migration}/vms/0`);
    const view = VmView.parse(reply.body);
    // Three of eight steps, and half of the fourth.
    expect(view).toMatchObject({ state: 'running', step: 'DiskTransfer', progressPercent: 43 });
    expect(view.pipeline[3]).toMatchObject({
      step: 'DiskTransfer',
      status: 'Running',
      progress: [{ done: 50 }],
      message: 'copying',
    });
  });

  it('shows its history from the log', async () => {
    const { migration } = await startedPlan();
    const { body } = await planner.call('GET', `/migrations/${migration}/vms/0/history`);
    expect(body).toMatchObject({
      total: 1,
      items: [
        {
          type: 'VmMigrationPlanned',
          actor: { name: 'local', authenticatedBy: 'loopback' },
          summary: expect.stringMatching(/^planned: Initialize → /),
        },
      ],
    });
  });

  it('shows its conversion log, or the end of it', async () => {
    const { migration } = await startedPlan();
    const name = 'default/web/logs/virt-v2v.log';
    const log = { kind: 'log', name, service: 'converter', lifetime: 'evidence' } as const;
    expect(refused(await planner.call('GET', `/migrations/${migration}/vms/0/log`))).toEqual({
      status: 404,
      code: 'LL-PLN-114',
    });
    planner.runs.change(migration, 0, { ledger: { [`log:${name}`]: log } });
    await mkdir(join(planner.folder, 'default/web/logs'), { recursive: true });
    await writeFile(join(planner.folder, name), 'one\ntwo\n');
    expect(await planner.call('GET', `/migrations/${migration}/vms/0/log`)).toMatchObject({
      status: 200,
      text: 'one\ntwo\n',
    });
    expect(await planner.call('GET', `/migrations/${migration}/vms/0/log?tailBytes=4`)).toMatchObject({
      text: 'two\n',
    });
    const path = `/migrations/${migration}/vms/0/log?name=${encodeURIComponent('../../etc/passwd')}`;
    expect(refused(await planner.call('GET', path))).toEqual({ status: 404, code: 'LL-PLN-114' });
  });

  it('is retried with the plan as it is now', async () => {
    const { plan, migration } = await startedPlan();
    planner.runs.change(migration, 0, { phase: 'failed' });
    await planner.call('PUT', `/plans/${plan}`, { ...planSpec, bandwidthLimit: 1000 });
    const reply = await planner.call('POST', `/migrations/${migration}/vms/0/retry`, { reason: 'again' });
    expect(reply).toMatchObject({ status: 200, body: { state: 'planned' } });
    expect(planner.runs.migration(migration)?.vms[0]?.state?.record.settings.bandwidthLimit).toBe(1000);
  });

  it('is not retried when the plan would have it elsewhere, or does not have it any more', async () => {
    const { plan, migration } = await startedPlan();
    planner.runs.change(migration, 0, { phase: 'failed' });
    await planner.call('PUT', `/plans/${plan}`, { ...planSpec, targetNamespace: 'other' });
    expect((await planner.call('POST', `/migrations/${migration}/vms/0/retry`)).body.error).toMatchObject({
      code: 'LL-PLN-111',
      field: 'targetNamespace',
    });
    await planner.call('PUT', `/plans/${plan}`, { ...planSpec, vms: [{ ref: 'db' }] });
    expect(refused(await planner.call('POST', `/plans/${plan}/retry`))).toEqual({
      status: 409,
      code: 'LL-PLN-112',
    });
  });

  it('whose disks are copied is retried without its source', async () => {
    const { plan, migration } = await startedPlan();
    planner.runs.change(migration, 0, { phase: 'failed' });
    planner.source.problems = [{ item: '/ovas', code: 'LL-OVA-001', message: 'the folder is gone' }];
    expect((await planner.call('POST', `/plans/${plan}/retry`)).body.error).toMatchObject({
      code: 'LL-PLN-104',
    });
    planner.runs.change(migration, 0, {
      results: [{ step: 'DiskTransfer', disks: [], pass: { kind: 'cold', round: 0 } }],
      // At the conversion, after Initialize, SourcePowerOff, DiskAllocation and DiskTransfer.
      at: 4,
    });
    const retried = await planner.call('POST', `/plans/${plan}/retry`);
    expect(retried).toMatchObject({ status: 200, body: { id: migration } });
  });

  it('that does not exist is not found', async () => {
    const { migration } = await startedPlan();
    expect(refused(await planner.call('GET', `/migrations/${migration}/vms/7`))).toEqual({
      status: 404,
      code: 'LL-PLN-110',
    });
    expect(refused(await planner.call('GET', `/migrations/nope/vms/0`))).toEqual({
      status: 404,
      code: 'LL-PLN-109',
    });
    expect(refused(await planner.call('GET', `/migrations/${migration}/vms/x`))).toEqual({
      status: 400,
      code: 'LL-API-001',
    });
  });
});
