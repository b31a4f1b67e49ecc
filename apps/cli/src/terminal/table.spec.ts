import { describe, expect, it } from '@jest/globals';
import { RenderedVm } from '@ledgerlift/contracts';
import { bytes, duration, sideBySide } from './table.js';

describe('quantities', () => {
  it.each([
    [0, '0s'],
    [59.4, '59s'],
    [75, '1m15s'],
    [3599, '59m59s'],
    [7500, '2h05m'],
    [200_000, '2d07h'],
  ])('%d seconds are %s', (seconds, words) => expect(duration(seconds)).toBe(words));

  it.each([
    [0, '0 B'],
    [1536, '1.5 KiB'],
    [402_653_184, '384 MiB'],
  ])('%d bytes are %s', (count, words) => expect(bytes(count)).toBe(words));
});

const GiB = 2 ** 30;
const side = {
  ...{ cpus: 2, memoryBytes: GiB, firmware: 'bios', os: 'linux' },
  ...{ diskBytes: [GiB, 2 ** 20 + 1], networks: ['VM Network'] },
};
const vm = (target: object): RenderedVm =>
  RenderedVm.parse({
    ...{ sourceId: 'vm-1', name: 'Web', targetName: 'web', targetNamespace: 'vms', files: [] },
    summary: { source: side, target: { ...side, claims: ['web-0', 'web-1'], ...target } },
  });
const cells = (shown: string): readonly string[] => (shown.split('\n').at(1) ?? '').trim().split(/ {2,}/);

describe('VMs side by side', () => {
  it('show a value once if both ends agree', () =>
    expect(cells(sideBySide([vm({})]))).toEqual([
      ...['Web', 'vms/web', '2', '1 GiB', 'bios', 'linux', '1 GiB + 1048577 B', 'VM Network', 'web-0, web-1'],
    ]));

  it('show source and target if they differ', () => {
    const other = {
      cpus: undefined,
      memoryBytes: undefined,
      instanceType: 'u1',
      firmware: 'efi',
      networks: [],
    };
    expect(cells(sideBySide([vm(other)]))).toEqual([
      ...['Web', 'vms/web', '2 -> u1', '1 GiB -> u1', 'bios -> efi', 'linux', '1 GiB + 1048577 B'],
      ...['VM Network ->', 'web-0, web-1'],
    ]);
  });

  it('have a row even without a summary', () =>
    expect(cells(sideBySide([{ ...vm({}), summary: undefined }]))).toEqual(['Web', 'vms/web']));
});
