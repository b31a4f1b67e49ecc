/**
 * Express loads CommonJS packages, which must not be given their ES modules.
 *
 * @jest-environment-options {"customExportConditions": ["@ledgerlift/source", "node"]}
 */
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type DomainEvent, Rehearsal, StepResult } from '@ledgerlift/contracts';
import { openTemporaryLog } from '@ledgerlift/event-log/contract';
import {
  inventoryOf,
  networkSpec,
  planSpec,
  sourceSpec,
  storageSpec,
  webVm,
} from '@ledgerlift/planning/spec';
import { LogEventWriter } from '../log/event-writer.js';
import { PlannerUnderTest } from './spec/planner-under-test.js';

let temporary: Awaited<ReturnType<typeof openTemporaryLog>>;
let planner: PlannerUnderTest;
const inventory = inventoryOf(webVm, { ...webVm, id: 'db.ova#db', name: 'db' });

beforeEach(async () => {
  temporary = await openTemporaryLog();
  planner = await PlannerUnderTest.start(temporary.log, inventory);
});
afterEach(async () => {
  await planner.stop();
  await temporary.destroy();
});

const context = {
  actor: { kind: 'service', name: 'worker', authenticatedBy: 'spec' },
  causationId: 'x',
  correlationId: 'x',
} as const;
const of = { step: 'DiskTransfer', attempt: 1 } as const;
const disk = {
  diskId: 'disk-0',
  name: 'web.qcow2',
  size: 2 ** 20,
  digest: '',
  bytesRead: 2 ** 20,
  bytesWritten: 2 ** 20,
  bytesZeroed: 0,
  resumed: '',
  verified: 'none',
};
const result = StepResult.parse({ step: 'DiskTransfer', disks: [disk], pass: { kind: 'cold', round: 0 } });

async function rehearsed(plan: string): Promise<Rehearsal> {
  return Rehearsal.parse((await planner.call('POST', `/plans/${plan}/rehearse`)).body);
}

describe('the first migration from a source', () => {
  it('corrects the forecast of the second one, also after a restart', async () => {
    const target = { name: 'out', type: 'directory', settings: { path: planner.folder } };
    for (const spec of [sourceSpec, target]) await planner.call('POST', '/providers', spec);
    for (const spec of [networkSpec, storageSpec]) await planner.call('POST', '/mappings', spec);
    await planner.call('POST', '/plans', planSpec);
    await planner.call('POST', '/plans', { ...planSpec, name: 'second', vms: [{ ref: 'db' }] });
    const before = await rehearsed('second');
    expect(before.figures?.bytesPerSecond).toEqual({ value: 100_000_000, measured: 0 });

    const { body } = await planner.call('POST', `/plans/${planSpec.name}/start`);
    const writer = new LogEventWriter(temporary.log);
    const append = (revision: number, event: DomainEvent) =>
      writer.append(`vm-${String(body['id'])}-0`, revision, [event], context);
    await append(0, { type: 'StepStarted', data: { ...of, worker: 'worker' } });
    await setTimeout(200);
    await append(1, { type: 'StepCompleted', data: { ...of, report: 1, result } });

    await planner.stop();
    planner = await PlannerUnderTest.start(await temporary.reopen(), inventory);
    const after = await rehearsed('second');
    expect(after.figures?.bytesPerSecond.measured).toBe(1);
    const rate = after.figures?.bytesPerSecond.value ?? 0;
    expect(rate).toBeGreaterThan(2 ** 20 / 2);
    expect(rate).toBeLessThanOrEqual(2 ** 20 / 0.2);
    expect(after.vms[0]?.forecast.parts.copyMs).toBeGreaterThan(before.vms[0]?.forecast.parts.copyMs ?? 0);

    const second = await planner.call('POST', '/plans/second/start');
    const [vm] = planner.runs.migration(String(second.body['id']))?.vms ?? [];
    expect(vm?.state?.record.expected).toMatchObject({ bytesPerSecond: rate, measured: 1 });
  });
});
