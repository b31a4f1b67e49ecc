import { describe, expect, it } from '@jest/globals';
import { logTextOf } from './vm-log.js';

describe('a log of a VM', () => {
  const isTruncated = (text: string, sizeBytes: number, tailBytes = 1000): boolean =>
    logTextOf('virt-v2v.log', { text, sizeBytes }, tailBytes).truncated;

  it('is whole where all of it is there, whatever its characters take', () => {
    expect(isTruncated('über\n', 6)).toBe(false);
    // A byte that was no character is shown as one of three bytes.
    expect(isTruncated('\ufffd', 1)).toBe(false);
    expect(isTruncated('', 0)).toBe(false);
  });

  it('is truncated where it is longer than what was asked for, or than what its target has kept', () => {
    expect(isTruncated('er\n', 6, 3)).toBe(true);
    expect(isTruncated('er\n', 6)).toBe(true);
  });
});
