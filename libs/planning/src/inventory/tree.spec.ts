import { describe, expect, it } from '@jest/globals';
import { type SourceVm, TreeQuery } from '@ledgerlift/contracts';
import { treeOf } from './tree.js';

const vm = (name: string, place: Partial<SourceVm>): SourceVm =>
  ({ id: `id-${name}`, name, datacenter: 'DC', ...place }) as SourceVm;
const vms = [
  vm('web-2', { folder: '/prod/web', cluster: 'C1', host: 'h1' }),
  vm('web-1', { folder: '/prod/web', cluster: 'C1', host: 'h2' }),
  vm('db', { folder: '/prod', cluster: 'C1', host: 'h1' }),
  vm('lonely', { folder: '/', host: 'h9' }),
];
const tree = (query: object) => treeOf('vcenter', vms, TreeQuery.parse(query));

describe('the tree of an inventory', () => {
  it('lists folders with counts, branches before VMs', () => {
    expect(tree({ depth: 3 })).toMatchObject({
      name: 'vcenter',
      vms: 4,
      children: [
        {
          kind: 'datacenter',
          path: '/DC',
          vms: 4,
          children: [
            {
              kind: 'folder',
              path: '/DC/prod',
              vms: 3,
              children: [
                { name: 'web', vms: 2 },
                { name: 'db', kind: 'vm' },
              ],
            },
            { kind: 'vm', name: 'lonely', id: 'id-lonely' },
          ],
        },
      ],
    });
  });

  it('lists hosts', () => {
    const cluster = tree({ by: 'host', path: '/DC/C1', depth: 2 });
    expect(cluster?.children?.map(({ name, vms: count }) => [name, count])).toEqual([
      ['h1', 2],
      ['h2', 1],
    ]);
  });

  it('distinguishes datacenters, clusters and hosts with the same name by their ids', () => {
    const twin = (id: string): SourceVm =>
      vm(`web-${id}`, {
        ...{ datacenterId: `dc-${id}`, cluster: 'C', clusterId: `c-${id}`, host: 'h', hostId: `h-${id}` },
        folder: '/prod',
      });
    const of = (query: object) => treeOf('vcenter', [twin('1'), twin('2')], TreeQuery.parse(query));
    for (const by of ['folder', 'host'])
      expect(of({ by })?.children).toMatchObject([
        { name: 'DC', path: '/DC (dc-1)', vms: 1 },
        { name: 'DC', path: '/DC (dc-2)', vms: 1 },
      ]);
    expect(of({ by: 'host', path: '/DC (dc-2)/C/h' })?.children).toMatchObject([
      { name: 'web-2', path: '/DC (dc-2)/C/h/web-2' },
    ]);
    const hosts = [twin('1'), { ...twin('2'), datacenterId: 'dc-1', clusterId: 'c-1' }];
    const cluster = treeOf('vcenter', hosts, TreeQuery.parse({ by: 'host', path: '/DC/C' }));
    expect(cluster?.children?.map(({ path }) => path)).toEqual(['/DC/C/h (h-1)', '/DC/C/h (h-2)']);
    expect(of({ path: '/DC' })).toBeUndefined();
  });

  it('keeps to the requested depth and number', () => {
    expect(tree({ depth: 1 })?.children).toEqual([
      { name: 'DC', kind: 'datacenter', path: '/DC', vms: 4, more: 0 },
    ]);
    const web = { path: '/DC/prod/web', limit: 1 };
    expect(tree(web)).toMatchObject({ children: [{ name: 'web-1' }], more: 1 });
    expect(tree({ ...web, offset: 1 })).toMatchObject({ children: [{ name: 'web-2' }], more: 0 });
  });

  it('has no node at an unknown path', () => {
    expect(tree({ path: '/DC/nowhere' })).toBeUndefined();
  });
});
