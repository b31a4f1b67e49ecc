import { describe, expect, it } from '@jest/globals';
import { PlanSpec } from '@ledgerlift/contracts';
import fc from 'fast-check';
import { claimName, claimNames, networkName, volumeName } from './name-templates.js';
import { suffixedLabel } from './names.js';

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
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

  it('keeps its number where it is cut', () => {
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
  it('is told by its number, unless the plan has a template', () => {
    expect(volumeName(undefined, 'web-disk-0', 1)).toBe('disk-1');
    expect(volumeName('{claim}', 'web-disk-0', 1)).toBe('web-disk-0');
    expect(networkName(undefined, { type: 'pod' }, 1)).toBe('net-1');
    expect(networkName('{type}-{namespace}-{network}-{nic}', { type: 'pod' }, 1)).toBe('pod-default-pod-1');
    const vlan = { type: 'multus', name: 'VLAN_10', namespace: 'nets' };
    expect(networkName('{namespace}-{network}-{nic}', vlan, 0)).toBe('nets-vlan-10-0');
  });
});
