import { expect, it } from '@jest/globals';
import { roomNeeded } from '@ledgerlift/targets';
import fc from 'fast-check';
import { overlayRoom } from './room.js';

const MiB = 2 ** 20;

it('is no more than small disks hold', () => {
  expect(overlayRoom([{ size: 100 * MiB }, { size: 20 * MiB }])).toBe(136 * MiB);
});

it('does not grow with disks that a conversion hardly touches', () => {
  expect(overlayRoom([{ size: 40 * 1024 * MiB }, { size: 4096 * 1024 * MiB }])).toBe(1040 * MiB);
});

it('is never more than the planner asked for before the source was powered off', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 2 ** 50 }), { minLength: 1, maxLength: 20 }), (sizes) => {
      const disks = sizes.map((size) => ({ size, unpacked: 'read-in-place' as const }));
      const planned = roomNeeded({ disks, conversion: 'converted' });
      const copied = sizes.reduce((sum, size) => sum + size, 0);
      expect(overlayRoom(disks)).toBeLessThanOrEqual(planned - copied);
    }),
  );
});
