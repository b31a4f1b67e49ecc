import { describe, expect, it } from '@jest/globals';
import { type Inventory, PlanSpec, Selector, type SourceVm } from '@ledgerlift/contracts';
import { inventoryOf, planSpec, webVm } from '../spec/fixtures.js';
import { unclearWords } from './places.js';
import { selectVms } from './select-vms.js';
import { meaningOf } from './selector.js';

/**
 * One of two datacenters that look alike: each has a cluster `c`, a host `h`, a folder `/prod/web` and a network
 * `lan`.
 */
const vmIn = (dc: 'A' | 'B', name: string): SourceVm => ({
  ...webVm,
  id: `vm-${name}`,
  name,
  host: 'h',
  hostId: `host-${dc}`,
  cluster: 'c',
  clusterId: `cluster-${dc}`,
  datacenter: dc,
  datacenterId: `dc-${dc}`,
  folder: '/prod/web',
  folderIds: [`web-${dc}`, `prod-${dc}`, `vm-${dc}`],
  disks: webVm.disks.map((disk) => ({ ...disk, storage: 'san', storageId: `san-${dc}` })),
  nics: webVm.nics.map((nic) => ({ ...nic, network: 'lan', networkId: `lan-${dc}` })),
});
const [a, b] = [vmIn('A', 'a'), vmIn('B', 'b')];
const both = (id: string, name: string, path: string) =>
  ['A', 'B'].map((dc) => ({ id: `${id}-${dc}`, name, path: path.replace('DC', dc) }));
const inventory: Inventory = {
  ...inventoryOf(a, b),
  datacenters: ['A', 'B'].map((dc) => ({ id: `dc-${dc}`, name: dc, path: `/${dc}` })),
  clusters: both('cluster', 'c', '/DC/host/c'),
  hosts: both('host', 'h', '/DC/host/c/h').map((host) => ({ ...host, state: 'connected', adapters: [] })),
  folders: [
    ...both('web', '/prod/web', '/DC/vm/prod/web'),
    ...both('prod', '/prod', '/DC/vm/prod'),
    ...both('vm', '/', '/DC/vm'),
  ],
  storages: both('san', 'san', '/DC/datastore/san'),
  networks: both('lan', 'lan', '/DC/network/lan').map((each) => ({ ...each, description: '' })),
};
const found = (selector: object, vms: readonly SourceVm[] = [a, b]): readonly string[] => {
  const { means, unclear } = meaningOf(Selector.parse(selector), inventory);
  return unclear.length > 0 ? unclear.map(unclearWords) : vms.filter(means).map(({ name }) => name);
};

describe('places with the same name', () => {
  it.each([
    ['host', 'h', 'host-A', '/A/host/c/h'],
    ['cluster', 'c', 'cluster-A', '/A/host/c'],
    ['folder', '/prod', 'prod-A', '/A/vm/prod'],
    ['folder', '/prod/web/', 'web-A', '/A/vm/prod/web/'],
    ['storage', 'san', 'san-A', '/A/datastore/san'],
    ['network', 'lan', 'lan-A', '/A/network/lan'],
  ])('are told apart by id, path or datacenter: %s', (kind, name, id, path) => {
    expect(found({ [kind]: id })).toEqual(['a']);
    expect(found({ [kind]: path })).toEqual(['a']);
    expect(found({ [kind]: name, datacenter: 'A' })).toEqual(['a']);
    const other = id.replace('-A', '-B');
    const [words = ''] = found({ [kind]: name });
    for (const part of [`${kind} '${name}' means`, `(${id})`, `(${other})`, '/A/', '/B/'])
      expect(words).toContain(part);
  });

  it('are distinguished by their cluster if they are hosts', () => {
    expect(found({ host: 'h', cluster: '/B/host/c' })).toEqual(['b']);
  });

  it('select no VM in a plan, and are not reported as empty', () => {
    const spec = PlanSpec.parse({ ...planSpec, vms: [], select: [{ name: 'a' }, { folder: '/prod' }] });
    const { vms, empty, unclear } = selectVms(spec, inventory);
    expect(vms.map(({ vm }) => vm?.name)).toEqual(['a']);
    expect(empty).toEqual([]);
    expect(unclear).toEqual([{ by: 'select[1]', words: expect.stringContaining('/B/vm/prod (prod-B)') }]);
  });
});

describe('a place', () => {
  it('is the whole source if it is the root folder', () => {
    expect(found({ folder: '/' })).toEqual(['a', 'b']);
    expect(found({ folder: '/B/vm' })).toEqual(['b']);
  });

  it("that the source does not list is compared with the VMs' own fields", () => {
    const gone = { ...a, host: 'old', hostId: 'host-9', folder: '/old', folderIds: ['old-1'] };
    for (const selector of [{ host: 'old' }, { host: 'host-9' }, { folder: '/old' }, { folder: 'old-1' }])
      expect(found(selector, [gone, b])).toEqual(['a']);
  });

  it('matches by name a VM that was recorded before places had ids', () => {
    const { hostId: _, clusterId: __, datacenterId: ___, folderIds: ____, ...old } = a;
    expect(found({ datacenter: 'dc-A', folder: 'web-A', host: 'host-A' }, [old])).toEqual(['a']);
    expect(found({ datacenter: 'dc-B' }, [old])).toEqual([]);
  });
});
