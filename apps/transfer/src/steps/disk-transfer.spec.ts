import { describe, expect, it } from '@jest/globals';
import type { SourceVm } from '@ledgerlift/contracts';
import { movedMeanwhile } from './disk-transfer.js';

const vm = {
  id: 'vm-1',
  name: 'web',
  folder: '/prod',
  host: 'esx1',
  disks: [{ id: '2000', name: 'Hard disk 1', storage: 'ds1' }],
} as SourceVm;

describe('a source that is moved while it is migrated', () => {
  it('is reported with every change', () => {
    const disks = [{ ...vm.disks[0], storage: 'ds2' }] as SourceVm['disks'];
    const told = movedMeanwhile(vm, { ...vm, name: 'web-old', folder: '/retired', host: 'esx2', disks });
    expect(told).toMatchObject({ type: 'SourceVmMoved', category: 'Advisory', items: ['vm-1'] });
    expect(told?.message).toBe(
      "'web' is now called 'web-old', is in the folder /retired, runs on esx2, has 'Hard disk 1' on ds2; " +
        'its migration continues, because it is identified by its id',
    );
  });

  it('is not reported without changes', () => {
    expect(movedMeanwhile(vm, { ...vm, powerState: 'off' })).toBeUndefined();
  });
});
