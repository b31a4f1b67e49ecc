import { describe, expect, it } from '@jest/globals';
import { RenderedVm } from '@ledgerlift/contracts';
import { sideBySide } from './side-by-side.js';

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
  it('are told once where both ends agree', () =>
    expect(cells(sideBySide([vm({})]))).toEqual([
      ...['Web', 'vms/web', '2', '1 GiB', 'bios', 'linux', '1 GiB + 1048577 B', 'VM Network', 'web-0, web-1'],
    ]));

  it('are told as source and target where they differ', () => {
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

  it('have a row though nothing is known of them yet', () =>
    expect(cells(sideBySide([{ ...vm({}), summary: undefined }]))).toEqual(['Web', 'vms/web']));
});
