/**
 * Express loads CommonJS packages, which must not be given their ES modules.
 *
 * @jest-environment-options {"customExportConditions": ["@ledgerlift/source", "node"]}
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { apiOperations } from '@ledgerlift/contracts';
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
const vm = (name: string, network = 'VM Network') => ({
  ...webVm,
  id: `${name}.ova#${name}`,
  name,
  nics: webVm.nics.map((nic) => ({ ...nic, network })),
});

beforeEach(async () => {
  temporary = await openTemporaryLog();
  planner = await PlannerUnderTest.start(temporary.log, inventoryOf(vm('web'), vm('db')));
  const target = { name: 'out', type: 'directory', settings: { path: planner.folder } };
  for (const spec of [sourceSpec, target]) await planner.call('POST', '/providers', spec);
  for (const spec of [networkSpec, storageSpec]) await planner.call('POST', '/mappings', spec);
});
afterEach(async () => {
  await planner.stop();
  await temporary.destroy();
  expect(planner.faults).toEqual([]);
});

async function manifests(query = '') {
  const { status, body } = await planner.call('GET', `/plans/${planSpec.name}/manifests${query}`);
  expect(status).toBe(200);
  return apiOperations['plans.render'].out.parse(body);
}
const planned = (change: object) => planner.call('POST', '/plans', { ...planSpec, ...change });

describe('the manifests of a plan', () => {
  it('are those of its VMs as converted guests have them, and nothing is made', async () => {
    await planned({ vms: [{ ref: 'web' }, { ref: 'db', targetName: 'database' }] });
    const { items, total } = await manifests();
    expect(total).toBe(2);
    expect(
      items.map(({ name, targetName, files }) => [name, targetName, files.map((file) => file.name)]),
    ).toEqual([
      ['web', 'web', ['pvc-0.yaml', 'vm.yaml', 'domain.xml'].map((name) => `default/web/manifests/${name}`)],
      [
        'db',
        'database',
        ['pvc-0.yaml', 'vm.yaml', 'domain.xml'].map((name) => `default/database/manifests/${name}`),
      ],
    ]);
    expect(items[1]?.summary).toMatchObject({
      source: { firmware: 'bios', networks: ['VM Network'] },
      target: { firmware: 'bios', networks: ['pod'], claims: ['database-disk-0'] },
    });
    const [, manifest] = items[1]?.files ?? [];
    expect(manifest?.content).toMatch(/kind: VirtualMachine\nmetadata:\n {2}name: database\n/);
    expect(manifest?.content).toContain('bus: virtio');
    const events = await planner.call('GET', '/migrations');
    expect(events.body).toMatchObject({ total: 0 });
  });

  it('have the devices that every guest can drive where it is not converted', async () => {
    await planned({ skipGuestConversion: true });
    const { items } = await manifests();
    expect(items[0]?.files[1]?.content).toContain('bus: sata');
  });

  it('are shown although something stands against the plan, and say what is missing where a VM cannot be', async () => {
    await planned({ vms: [{ ref: 'web' }, { ref: 'nobody' }] });
    const { items } = await manifests();
    expect(items.map(({ name, files }) => [name, files.length])).toEqual([
      ['web', 3],
      ['nobody', 0],
    ]);
    expect(items[1]?.missing).toMatch(/^VMNotFound: .*nobody/);
  });

  it('are asked for page by page, or for one VM', async () => {
    await planned({ vms: [{ ref: 'web' }, { ref: 'db' }] });
    expect(await manifests('?offset=1&limit=1')).toMatchObject({
      items: [{ name: 'db' }],
      total: 2,
      offset: 1,
    });
    expect(await manifests('?vm=web.ova%23web')).toMatchObject({ items: [{ name: 'web' }], total: 1 });
    const none = await planner.call('GET', `/plans/${planSpec.name}/manifests?vm=mail`);
    expect(none).toMatchObject({ status: 404, body: { error: { code: 'LL-PLN-123', field: 'vm' } } });
  });
});
