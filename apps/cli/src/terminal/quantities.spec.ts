import { describe, expect, it } from '@jest/globals';
import { bytes, duration } from './quantities.js';

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
