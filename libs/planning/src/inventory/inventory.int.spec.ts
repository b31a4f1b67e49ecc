import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { PlanSpec, ProviderSpec, TreeNode, type VmSearch } from '@ledgerlift/contracts';
import { closeSources } from '@ledgerlift/providers';
import { startVsphere, temporaryFolder, type Vsphere } from '@ledgerlift/testing';
import { InventoryService, providerSourceAccess, searched, treeOf } from './index.js';

const folder = temporaryFolder('planning-inventory');
let vsphere: Vsphere;
let service: InventoryService;
let provider: Parameters<InventoryService['inventory']>[0];
beforeAll(async () => {
  vsphere = await startVsphere({ vms: [{ name: 'web-1' }, { name: 'web-2' }, { name: 'db', off: true }] });
  process.env['LEDGERLIFT_SECRETS_DIR'] = folder.path;
  mkdirSync(folder.file('vcenter'));
  for (const key of ['user', 'password'] as const)
    writeFileSync(folder.file('vcenter', key), vsphere.admin[key]);
  const spec = ProviderSpec.parse({
    type: 'vsphere',
    name: 'vcenter',
    secret: { name: 'vcenter' },
    settings: { url: vsphere.url, caCertificate: readFileSync(vsphere.caFile, 'utf8') },
  });
  provider = { id: 'p', revision: 0, spec };
  service = new InventoryService(providerSourceAccess);
});
afterAll(async () => {
  service.close();
  await closeSources();
  await vsphere.stop();
  await folder.remove();
});

const names = async (): Promise<readonly string[]> =>
  (await service.inventory(provider)).vms.map(({ name }) => name);
async function eventually(is: () => Promise<boolean> | boolean): Promise<void> {
  for (const deadline = Date.now() + 20_000; !(await is());) {
    if (Date.now() > deadline) throw new Error('it did not come');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
const search = async (query: Partial<VmSearch>): Promise<readonly string[]> => {
  const known = await service.inventory(provider);
  return searched(known, { offset: 0, limit: 100, ...query }).map(({ name }) => name);
};

describe('the inventory of a vCenter in the planner', () => {
  it('is live soon after the first query, and shows changes without a refresh', async () => {
    expect(await names()).toEqual(['db', 'web-1', 'web-2']);
    await eventually(() => service.liveness(provider) === 'live');
    const before = Date.now();
    await vsphere.addVm({ name: 'web-3' });
    await eventually(async () => (await names()).includes('web-3'));
    const { takenAt } = await service.current(provider);
    expect(Date.parse(takenAt)).toBeGreaterThanOrEqual(before);
  });

  it('reports a break with its reason, and comes back', async () => {
    const returned: string[] = [];
    service.onReturn((id) => returned.push(id));
    await vsphere.outage(1500);
    await eventually(() => typeof service.liveness(provider) === 'object');
    expect(returned).toEqual([]);
    await eventually(() => service.liveness(provider) === 'live');
    expect(returned).toEqual(['p']);
    await vsphere.addVm({ name: 'web-4' });
    await eventually(async () => (await names()).includes('web-4'));
  });

  it('of a source that is read on demand comes back with the first reading after a failure', async () => {
    const source = { ...providerSourceAccess, watch: () => Promise.resolve() };
    const onDemand = new InventoryService(source);
    const returned: string[] = [];
    onDemand.onReturn((id) => returned.push(id));
    source.inventory = () => Promise.reject(new Error('no route to host'));
    await expect(onDemand.refresh(provider)).rejects.toThrow('no route');
    await expect(onDemand.refresh(provider)).rejects.toThrow('no route');
    source.inventory = providerSourceAccess.inventory;
    await onDemand.refresh(provider);
    await onDemand.refresh(provider);
    expect(returned).toEqual(['p']);
  });

  it('is no longer watched once the provider was changed', async () => {
    const other = { ...provider, revision: 1 };
    expect(service.liveness(other)).toBeUndefined();
    await service.inventory(other);
    await eventually(() => service.liveness(other) === 'live');
    expect(service.liveness(provider)).toBeUndefined();
    await service.inventory(provider);
  });

  it('is searched by the criteria of a plan', async () => {
    expect(await search({ name: 'web-?', powerState: 'on' })).toEqual(
      expect.arrayContaining(['web-1', 'web-2']),
    );
    expect(await search({ powerState: 'off' })).toEqual(['db']);
    const [vm] = (await service.inventory(provider)).vms;
    expect(await search({ id: vm?.uuid?.toUpperCase() ?? '' })).toEqual([vm?.name]);
    expect(await search({ datacenter: 'nowhere' })).toEqual([]);
    expect(
      PlanSpec.safeParse({
        name: 'p',
        source: 's',
        target: 't',
        networkMapping: 'n',
        storageMapping: 'd',
        select: [{ cluster: 'DC0_C0', attribute: 'owner=ann' }],
      }).success,
    ).toBe(true);
  });

  it('is a tree of folders, and of hosts', async () => {
    const { vms } = await service.inventory(provider);
    const tree = treeOf('vcenter', vms, { by: 'host', path: '/', depth: 4, offset: 0, limit: 100 });
    expect(TreeNode.parse(tree)).toMatchObject({
      vms: vms.length,
      children: [{ name: 'DC0', kind: 'datacenter' }],
    });
  });
});
