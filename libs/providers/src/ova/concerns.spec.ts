import { describe, expect, it } from '@jest/globals';
import { sourceDisk, sourceVm } from '@ledgerlift/testing';
import { MOST_DISKS } from '../port.js';
import { ovaConcerns } from './concerns.js';

const sound = sourceVm();

describe('the concerns about a VM in an OVA', () => {
  it('are none about a sound one', () => expect(ovaConcerns(sound)).toEqual([]));

  it.each([
    ['ova.disk.capacity.invalid', 'Critical', { disks: [sourceDisk(0, { capacityBytes: 0 })] }],
    ['ova.cpu_affinity.detected', 'Warning', { cpu: { ...sound.cpu, affinity: [0, 1] } }],
    ['ova.cpu_memory.hotplug.enabled', 'Warning', { memory: { bytes: 1, hotAdd: true } }],
    [
      'ova.disk.count.exceeds.limit',
      'Warning',
      { disks: Array.from({ length: MOST_DISKS + 1 }, (_, n) => sourceDisk(n)) },
    ],
    ['ova.source.unsupported', 'Warning', { exportedBy: 'unknown' }],
    ['ova.name.invalid', 'Warning', { name: 'Web Server_1' }],
  ])('%s', (id, category, change) => {
    expect(ovaConcerns({ ...sound, ...change })).toMatchObject([{ id, category }]);
  });
});
