import { describe, expect, it } from '@jest/globals';
import { bytesOf, bytesPerUnit } from './units.js';

const [KiB, MiB, GiB] = [2 ** 10, 2 ** 20, 2 ** 30];

describe('an allocation unit', () => {
  it.each([
    ['', 1],
    ['byte', 1],
    ['bytes', 1],
    ['byte * 2^20', MiB],
    ['byte*2^20', MiB],
    ['Byte * 2^20', MiB],
    ['bytes * 2^20', MiB],
    ['byte * 2 ^ 20', MiB],
    [' byte  *  2^30 ', GiB],
    ['byte x 2^20', MiB],
    ['byte * 10^9', 1e9],
    ['byte * 2^10 * 2^10', MiB],
    ['kibibyte', KiB],
    ['mebibytes', MiB],
    ['megabyte', 1e6],
    ['MegaBytes', MiB],
    ['KiloBytes', KiB],
    ['GigaBytes', GiB],
    ['KB', KiB],
    ['MB', MiB],
    ['GB', GiB],
    ['KiB', KiB],
    ['MiB', MiB],
    ['GiB', GiB],
    ['TiB', 2 ** 40],
  ])("'%s' has %d bytes", (written, bytes) => expect(bytesPerUnit(written, 'x')).toBe(bytes));

  it.each(['hertz * 10^6', 'byte * two', 'MiBs', 'byte ^ 20', 'parsec'])("'%s' is none", (written) =>
    expect(() => bytesPerUnit(written, 'x')).toThrow(expect.objectContaining({ code: 'LL-OVA-010' })),
  );
});

describe('an amount', () => {
  it.each([
    ['512', MiB, 512 * MiB],
    ['0.5', GiB, GiB / 2],
    ['0.0078125', GiB, 8 * MiB],
    ['1.1', KiB, 1127],
    [' 8 ', 1, 8],
    ['-1', MiB, -MiB],
  ])("'%s' in %d bytes", (text, unit, bytes) => expect(bytesOf(text, unit)).toBe(bytes));

  it.each(['', '.', '1e9', '0x10', '1,5', '9'.repeat(19), '999999999999999999'])("'%s' is none", (text) =>
    expect(bytesOf(text, GiB)).toBeUndefined(),
  );
});
