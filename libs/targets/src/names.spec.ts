import { describe, expect, it } from '@jest/globals';
import { PlanSpec } from '@ledgerlift/contracts';
import fc from 'fast-check';
import { claimName, claimNames, dns1123Label, networkName, suffixedLabel, volumeName } from './names.js';

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

describe('a name for Kubernetes', () => {
  it.each([
    ['Web Server 01', 'web-server-01'],
    ['db_prod.example.com', 'db-prod-example-com'],
    ['Müller & Söhne', 'muller-sohne'],
    ['--a--b--', 'a--b'],
    ['already-fine', 'already-fine'],
  ])('%s becomes %s', (name, label) => expect(dns1123Label(name)).toBe(label));

  it('is valid whatever the name, stays as it is when it is valid, and is always the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (name) => {
        const label = dns1123Label(name);
        expect(label).toMatch(LABEL);
        expect(dns1123Label(label)).toBe(label);
        expect(dns1123Label(name)).toBe(label);
      }),
    );
  });

  it('tells long names apart that begin alike', () => {
    const [a, b] = ['a', 'b'].map((end) => dns1123Label('x'.repeat(80) + end));
    expect(a).not.toBe(b);
  });

  it('keeps its suffix', () => {
    expect(suffixedLabel('web', 'disk-0')).toBe('web-disk-0');
    expect(suffixedLabel('x'.repeat(63), 'disk-10')).toMatch(/^x+-[0-9a-f]{8}-disk-10$/);
    expect(suffixedLabel('x'.repeat(63), 'disk-10')).toMatch(LABEL);
  });
});

const of = (
  pvcNameTemplate: string | undefined,
  vm = { id: 'vm-7', name: 'Web Server' },
  targetName = 'web',
) => ({
  planName: 'first-wave',
  targetName,
  vm,
  machine: pvcNameTemplate === undefined ? {} : { pvcNameTemplate },
});

describe('the name of a claim', () => {
  it.each([
    [undefined, 'web-disk-3'],
    ['{vm}-{disk}', 'web-server-3'],
    ['{disk}-{plan}', '3-first-wave'],
    ['{id}-data{disk}', 'vm-7-data3'],
    ['all-{disk}', 'all-3'],
  ])('by the template %s is %s', (template, name) => expect(claimName(of(template), 3)).toBe(name));

  it('without a template is what it always was, however long the name of the VM', () => {
    const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
    fc.assert(
      fc.property(label, fc.nat(999), (target, disk) => {
        expect(claimName(of(undefined, undefined, target), disk)).toBe(suffixedLabel(target, `disk-${disk}`));
      }),
    );
  });

  it('keeps its number when it is shortened', () => {
    const long = { id: 'vm-7', name: 'n'.repeat(300) };
    expect(claimName(of('{plan}-{vm}-{disk}', long), 12)).toMatch(/^first-wave-n+-[0-9a-f]{8}-12$/);
  });

  it('is valid, and no other of its VM, by every template that a plan takes', () => {
    const parts = fc.shuffledSubarray(['{vm}', '{target}', '{plan}', '{id}', 'data', '-x-']);
    const template = fc
      .tuple(parts, fc.constantFrom('-', 'd'), fc.boolean())
      .map(([some, apart, isFirst]) =>
        isFirst ? `{disk}${apart}${some.join('')}` : `${some.join('')}${apart}{disk}`,
      )
      .filter((each) => PlanSpec.shape.pvcNameTemplate.safeParse(each).success);
    const name = fc.string({ unit: 'grapheme', maxLength: 90 });
    fc.assert(
      fc.property(template, name, name, (each, vmName, id) => {
        const disks = Array.from({ length: 12 });
        const names = claimNames({ ...of(each), vm: { id, name: vmName, disks } });
        for (const claim of names) expect(claim).toMatch(LABEL);
        expect(new Set(names).size).toBe(12);
      }),
    );
  });
});

describe('the name of a NIC or a disk within its VM', () => {
  it('is named by its number unless the plan has a template', () => {
    expect(volumeName(undefined, 'web-disk-0', 1)).toBe('disk-1');
    expect(volumeName('{claim}', 'web-disk-0', 1)).toBe('web-disk-0');
    expect(networkName(undefined, { type: 'pod' }, 1)).toBe('net-1');
    expect(networkName('{type}-{namespace}-{network}-{nic}', { type: 'pod' }, 1)).toBe('pod-default-pod-1');
    const vlan = { type: 'multus', name: 'VLAN_10', namespace: 'nets' };
    expect(networkName('{namespace}-{network}-{nic}', vlan, 0)).toBe('nets-vlan-10-0');
  });
});
