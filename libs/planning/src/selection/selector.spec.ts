import { describe, expect, it } from '@jest/globals';
import { Selector, type SourceVm } from '@ledgerlift/contracts';
import fc from 'fast-check';
import { inventoryOf, webVm } from '../spec/fixtures.js';
import { matchesGlob, meaningOf } from './selector.js';

const [disk] = webVm.disks;
const vm: SourceVm = {
  ...webVm,
  folder: '/prod/web',
  tags: ['gold', 'pci'],
  host: 'esx1',
  powerState: 'on',
  disks: disk === undefined ? [] : [disk, { ...disk, id: 'disk-1' }],
};
const inventory = {
  ...inventoryOf(vm),
  networks: [{ id: 'network-7', name: 'VM Network', description: '' }],
};
const means = (selector: Selector, one: SourceVm, known = inventory): boolean =>
  meaningOf(selector, known).means(one);
const meant = (selector: object): boolean => means(Selector.parse(selector), vm);

describe('a selector', () => {
  it('distinguishes two networks with the same name by the id in the NIC', () => {
    const twins = {
      ...inventory,
      networks: ['a', 'b'].map((id) => ({ id, name: 'lan', description: '' })),
    };
    const onA = { ...vm, nics: vm.nics.map((nic) => ({ ...nic, network: 'lan', networkId: 'a' })) };
    const found = (network: string): boolean => means(Selector.parse({ network }), onA, twins);
    expect(['a', 'b', 'lan', 'other'].map(found)).toEqual([true, false, false, false]);
  });

  it.each([
    ['a folder, and what is below it', { folder: '/prod' }, { folder: '/pro' }],
    ['a folder with a slash at its end', { folder: '/prod/web/' }, { folder: '/prod/web/a' }],
    ['all folders', { folder: '/' }, { folder: '/Prod' }],
    ['a tag', { tag: 'pci' }, { tag: 'pc' }],
    ['a pattern', { name: 'w?b*' }, { name: 'W*' }],
    ['a power state', { powerState: 'on' }, { powerState: 'off' }],
    ['a family of operating systems', { os: 'linux' }, { os: 'windows' }],
    ['a host', { host: 'esx1' }, { host: 'esx' }],
    ['a storage', { storage: 'ova' }, { storage: 'nfs' }],
    ['a network by its id', { network: 'network-7' }, { network: 'network-8' }],
    ['a number of disks', { minDisks: 2, maxDisks: 2 }, { minDisks: 3 }],
    ['a size', { minBytes: 2 ** 21, maxBytes: 2 ** 21 }, { maxBytes: 2 ** 21 - 1 }],
    ['all that it says', { folder: '/prod', tag: 'gold' }, { folder: '/prod', tag: 'silver' }],
  ])('means VMs by %s', (_, fitting, other) => {
    expect(meant(fitting)).toBe(true);
    expect(meant(other)).toBe(false);
  });

  it('matches no VM by folder if the source has no folders', () =>
    expect(means(Selector.parse({ folder: '/' }), webVm)).toBe(false));

  it('must have a criterion, and no unknown field', () => {
    expect(Selector.safeParse({}).success).toBe(false);
    expect(Selector.safeParse({ wave: 2 }).success).toBe(false);
    expect(Selector.safeParse({ folder: '' }).success).toBe(false);
    expect(Selector.safeParse({ name: '*', targetName: 'x' }).success).toBe(false);
  });
});

describe('a pattern', () => {
  it('matches what a regular expression would', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'é'), maxLength: 8 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 6 });
    fc.assert(
      fc.property(pattern, letters, (glob, name) => {
        const expression = new RegExp(`^${glob.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'u');
        expect(matchesGlob(glob, name)).toBe(expression.test(name));
      }),
      { numRuns: 2000 },
    );
  });

  it('does not try every combination of its stars, which would take forever', () => {
    expect(matchesGlob(`${'a*'.repeat(99)}b`, 'a'.repeat(2000))).toBe(false);
  });
});
