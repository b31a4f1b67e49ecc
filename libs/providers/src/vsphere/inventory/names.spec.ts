import { describe, expect, it } from '@jest/globals';
import { type VimNode, vimReader } from '../soap/xml.js';
import type { VimObject } from '../soap/properties.js';
import { disksOf, nicsOf, placeOf } from './devices.js';
import { Surroundings } from './surroundings.js';

function nodeOf(xml: string): VimNode {
  const reader = vimReader();
  reader.take(`<val xmlns:xsi="x" ${xml}</val>`);
  return reader.end();
}
const text = (value: string): VimNode => nodeOf(`>${value}`);
const object = (type: string, id: string, name: string, more: Record<string, VimNode> = {}): VimObject => ({
  ref: { type, id },
  properties: new Map(Object.entries({ name: text(name), ...more })),
});
const below = (type: string, id: string): Record<string, VimNode> => ({
  parent: nodeOf(`type="${type}">${id}`),
});
const around = new Surroundings([
  object('Folder', 'group-d1', 'Datacenters'),
  object('Datacenter', 'dc-1', 'DC0', below('Folder', 'group-d1')),
  object('Folder', 'group-n1', 'network', below('Datacenter', 'dc-1')),
  object('Network', 'network-7', '10.1.2.0%2f24', below('Folder', 'group-n1')),
  object('DistributedVirtualPortgroup', 'dvportgroup-12', '100%25 %5cred%5C', {
    key: text('dvportgroup-12'),
  }),
  object('OpaqueNetwork', 'network-o9', 'seg%2fment', {
    summary: nodeOf('><opaqueNetworkId>nsx-1</opaqueNetworkId>'),
  }),
  object('Datastore', 'datastore-1', 'san [old]'),
]);
const nic = (backing: string): VimNode => nodeOf(`xsi:type="VirtualVmxnet3"><key>4000</key>${backing}`);

describe('a name that vSphere escapes', () => {
  it.each([
    [
      'a standard network',
      '<backing><deviceName>10.1.2.0%2f24</deviceName><network type="Network">network-7</network></backing>',
      '10.1.2.0/24',
      'network-7',
    ],
    [
      'a distributed port group',
      '<backing><port><portgroupKey>dvportgroup-12</portgroupKey></port></backing>',
      '100% \\red\\',
      'dvportgroup-12',
    ],
    [
      'an NSX segment',
      '<backing><opaqueNetworkId>nsx-1</opaqueNetworkId></backing>',
      'seg/ment',
      'network-o9',
    ],
  ])('is unescaped once, and its id goes with it: %s', (_, backing, network, networkId) => {
    expect(nicsOf([nic(backing)], around)).toMatchObject([{ network, networkId }]);
  });

  it('is unescaped where only the device knows it', () => {
    const [found] = nicsOf([nic('<backing><deviceName>a%252fb</deviceName></backing>')], around);
    expect(found?.network).toBe('a%2fb');
    expect(found).not.toHaveProperty('networkId');
  });

  it('is unescaped in a path, which begins below the root', () => {
    expect(around.pathOf({ type: 'Network', id: 'network-7' })).toBe('/DC0/network/10.1.2.0/24');
  });
});

describe('a datastore whose name has brackets', () => {
  it('is known by its id, and by its whole name', () => {
    const disk = nodeOf(
      'xsi:type="VirtualDisk"><key>2000</key><backing><fileName>[san [old]] web/web.vmdk</fileName>' +
        '<datastore type="Datastore">datastore-1</datastore></backing>',
    );
    const named = { storage: 'san [old]', storageId: 'datastore-1' };
    expect(disksOf('vm-1', [disk], [], around)).toMatchObject([named]);
    expect(disksOf('vm-1', [disk], [])).toMatchObject([named]);
  });

  it.each([
    ['[san [old]] web/web.vmdk', 'san [old]', 'web/web.vmdk'],
    ['[ds] [a] b/c.vmdk', 'ds', '[a] b/c.vmdk'],
    ['[ds]', 'ds', ''],
    ['nowhere', '', ''],
  ])('is told from its files: %s', (file, datastore, path) => {
    expect(placeOf(file)).toEqual({ datastore, path });
  });
});
