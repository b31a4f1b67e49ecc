/**
 * Express loads CommonJS packages, which must not be given their ES modules.
 *
 * @jest-environment-options {"customExportConditions": ["@ledgerlift/source", "node"]}
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PlanSelection, PlanView } from '@ledgerlift/contracts';
import { openTemporaryLog } from '@ledgerlift/event-log/contract';
import {
  inventoryOf,
  networkSpec,
  planSpec,
  sourceSpec,
  storageSpec,
  webVm,
} from '@ledgerlift/planning/spec';
import { PlannerUnderTest } from './spec/planner-under-test.js';

let temporary: Awaited<ReturnType<typeof openTemporaryLog>>;
let planner: PlannerUnderTest;
const vm = (name: string, folder: string) => ({ ...webVm, id: `${name}.ova#${name}`, name, folder });

beforeEach(async () => {
  temporary = await openTemporaryLog();
  const vms = [vm('web', '/prod/web'), vm('api', '/prod/web'), vm('db', '/prod/db')];
  planner = await PlannerUnderTest.start(temporary.log, inventoryOf(...vms));
  const target = { name: 'out', type: 'directory', settings: { path: planner.folder } };
  for (const spec of [sourceSpec, target]) await planner.call('POST', '/providers', spec);
  for (const spec of [networkSpec, storageSpec]) await planner.call('POST', '/mappings', spec);
});
afterEach(async () => {
  await planner.stop();
  await temporary.destroy();
  expect(planner.faults).toEqual([]);
});

const planned = (change: object) => planner.call('POST', '/plans', { ...planSpec, ...change });
const imported = (csv: string) => planner.call('PUT', `/plans/${planSpec.name}/vms`, { csv });
async function updates(): Promise<number> {
  let count = 0;
  for await (const { type } of temporary.log.readAll()) if (type === 'PlanUpdated') count += 1;
  return count;
}

describe('a plan that selects', () => {
  it('shows which VMs it means now, and what of it means each', async () => {
    await planned({ vms: [{ ref: 'db', wave: 2 }], select: [{ folder: '/prod' }], except: ['api'] });
    const reply = await planner.call('GET', `/plans/${planSpec.name}/selection`);
    const { vms, leftOut, conditions } = PlanSelection.parse(reply.body);
    expect(vms.map(({ name, wave, by }) => ({ name, wave, by }))).toEqual([
      { name: 'db', wave: 2, by: ['vms[0]', 'select[0]'] },
      { name: 'web', wave: 1, by: ['select[0]'] },
    ]);
    expect(leftOut.map(({ name }) => name)).toEqual(['api']);
    expect(conditions).toEqual([]);
  });

  it('records at the start what it meant then', async () => {
    await planned({ vms: [], select: [{ folder: '/prod/web', wave: 3 }] });
    const started = await planner.call('POST', `/plans/${planSpec.name}/start`);
    expect(started.status).toBe(201);
    for await (const event of temporary.log.readAll()) {
      if (event.type !== 'MigrationStarted') continue;
      expect(event.data).toMatchObject({
        vmCount: 2,
        spec: {
          select: [{ folder: '/prod/web', wave: 3 }],
          vms: [
            { ref: 'web.ova#web', wave: 3 },
            { ref: 'api.ova#api', wave: 3 },
          ],
        },
      });
    }
  });

  it('is retried with the VMs that it meant at the start', async () => {
    await planned({ vms: [], select: [{ folder: '/prod/web', powerState: 'off' }] });
    const { body } = await planner.call('POST', `/plans/${planSpec.name}/start`);
    planner.runs.change(String(body['id']), 0, { phase: 'failed' });
    // Whatever the migration did to it: it is on now, and in another folder.
    const { inventoryNow } = planner.source;
    const vms = inventoryNow.vms.map((each) => ({ ...each, powerState: 'on' as const, folder: '/moved' }));
    planner.source.inventoryNow = { ...inventoryNow, vms };
    expect((await planner.call('POST', `/plans/${planSpec.name}/retry`)).status).toBe(200);
  });

  it('needs a VM or a selector', async () => {
    const reply = await planned({ vms: [] });
    expect(reply).toMatchObject({ status: 400, body: { error: { field: 'vms' } } });
  });
});

describe("a plan's VMs as CSV", () => {
  it('replace the list in one event, and are given back as they were', async () => {
    await planned({ vms: [{ ref: 'web', labels: { tier: 'front' } }] });
    const view = PlanView.parse((await imported('vm;wave;target_name\nweb;2;www\ndb;1;\n')).body);
    expect(view.spec.vms).toEqual([
      { ref: 'web', wave: 2, targetName: 'www', labels: { tier: 'front' } },
      { ref: 'db', wave: 1 },
    ]);
    expect(await updates()).toBe(1);
    const { body } = await planner.call('GET', `/plans/${planSpec.name}/vms`);
    expect(body['csv']).toBe(
      'vm,target_name,namespace,wave,priority,cutover_time\r\nweb,www,,2,,\r\ndb,,,1,,\r\n',
    );
    expect((await imported(String(body['csv']))).status).toBe(200);
    expect(await updates()).toBe(1);
  });

  it('change nothing where a row cannot be used, and every such row is named', async () => {
    await planned({});
    const reply = await imported('vm,wave\nweb,1\nghost,1\ndb,x\n');
    expect(reply).toMatchObject({
      status: 422,
      body: {
        error: {
          code: 'LL-PLN-121',
          rows: [
            { line: 3, column: 'vm', value: 'ghost' },
            { line: 4, column: 'wave', value: 'x' },
          ],
        },
      },
    });
    expect(await updates()).toBe(0);
  });

  it('may be every VM that the selectors mean', async () => {
    await planned({ vms: [], select: [{ folder: '/prod/web', wave: 2 }] });
    const { body } = await planner.call('GET', `/plans/${planSpec.name}/vms?of=meant`);
    expect(String(body['csv']).split('\r\n').slice(1, -1)).toEqual(['web,,,2,,', 'api,,,2,,']);
  });
});
