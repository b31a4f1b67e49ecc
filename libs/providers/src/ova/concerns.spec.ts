import { describe, expect, it } from '@jest/globals';
import type { SourceVm } from '@ledgerlift/contracts';
import { MOST_DISKS } from '../most-disks.js';
import { ovaConcerns } from './concerns.js';

const disk = (index: number, capacityBytes = 1024): SourceVm['disks'][number] => ({
  id: `d${index}`,
  name: `disk ${index}`,
  capacityBytes,
  storage: 'ova',
  bus: 'scsi',
  controller: 0,
  unit: index,
  shared: false,
  backing: {
    kind: 'ova',
    format: 'vmdk',
    parts: [{ file: '/x', offset: 0, length: 1 }],
    compression: 'none',
  },
});
const sound: Omit<SourceVm, 'concerns' | 'fingerprint'> = {
  id: 'vm',
  name: 'web',
  path: '/x#web',
  powerState: 'off',
  cpu: { count: 1, coresPerSocket: 1, affinity: [], hotAdd: false },
  memory: { bytes: 1, hotAdd: false },
  firmware: 'bios',
  secureBoot: false,
  tpm: false,
  os: { id: '', description: '', family: 'linux' },
  disks: [disk(0)],
  nics: [],
  exportedBy: 'VMware',
};

describe('the concerns about a VM in an OVA', () => {
  it('are none about a sound one', () => expect(ovaConcerns(sound)).toEqual([]));

  it.each([
    ['ova.disk.capacity.invalid', 'Critical', { disks: [disk(0, 0)] }],
    ['ova.cpu_affinity.detected', 'Warning', { cpu: { ...sound.cpu, affinity: [0, 1] } }],
    ['ova.cpu_memory.hotplug.enabled', 'Warning', { memory: { bytes: 1, hotAdd: true } }],
    [
      'ova.disk.count.exceeds.limit',
      'Warning',
      { disks: Array.from({ length: MOST_DISKS + 1 }, (_, n) => disk(n)) },
    ],
    ['ova.source.unsupported', 'Warning', { exportedBy: 'unknown' }],
    ['ova.name.invalid', 'Warning', { name: 'Web Server_1' }],
  ])('%s', (id, category, change) => {
    expect(ovaConcerns({ ...sound, ...change })).toMatchObject([{ id, category }]);
  });
});
