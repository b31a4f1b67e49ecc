import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { claimBytes } from './claims.js';

const MiB = 2 ** 20;
const GiB = 2 ** 30;
const diskBytes = fc.integer({ min: 1, max: 64 * 2 ** 40 });
const overhead = fc.double({ min: 0, max: 0.5, noNaN: true });
const minimumBytes = fc.integer({ min: 0, max: 4 * GiB });

describe('the size of a claim', () => {
  it.each([
    ['a disk on a file system', 10 * GiB, 'Filesystem', 0.06, 0, 10_894 * MiB],
    ['a disk on a block volume', 10 * GiB, 'Block', 0.06, 0, 10 * GiB],
    ['a disk that ends within a MiB', 10 * GiB + 512, 'Block', 0, 0, 10 * GiB + MiB],
    ['a disk below the least that the storage gives', MiB, 'Block', 0, GiB, GiB],
    ['a least size that is no whole MiB', MiB, 'Filesystem', 0, GiB + 1, GiB + MiB],
  ] as const)('is reckoned for %s', (_, bytes, volumeMode, share, least, wanted) => {
    expect(claimBytes(bytes, { volumeMode, overhead: share, minimumBytes: least })).toBe(wanted);
  });

  it('leaves room for the disk beside the file system, and for little more', () => {
    fc.assert(
      fc.property(diskBytes, overhead, minimumBytes, (bytes, share, least) => {
        const claimed = claimBytes(bytes, { volumeMode: 'Filesystem', overhead: share, minimumBytes: least });
        // What CDI takes for usable, rounded as CDI rounds it.
        expect(Math.ceil(claimed * (1 - share))).toBeGreaterThanOrEqual(bytes);
        expect(claimed).toBeGreaterThanOrEqual(least);
        expect(claimed % MiB).toBe(0);
        expect(claimed - Math.max(bytes / (1 - share), least)).toBeLessThanOrEqual(MiB + 1);
      }),
    );
  });

  it('is the size of the disk on a block volume, whatever a file system would take', () => {
    fc.assert(
      fc.property(diskBytes, overhead, minimumBytes, (bytes, share, least) => {
        const claimed = claimBytes(bytes, { volumeMode: 'Block', overhead: share, minimumBytes: least });
        const needed = Math.max(bytes, least);
        expect(claimed).toBeGreaterThanOrEqual(needed);
        expect(claimed - needed).toBeLessThan(MiB);
        expect(claimed % MiB).toBe(0);
      }),
    );
  });
});
