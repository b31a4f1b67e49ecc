import { describe, expect, it } from '@jest/globals';
import { type ImageBytes, foreignHeader, shownFormat } from './header.js';

const MiB = 1024 * 1024;

/** The footer of a fixed VHD (Virtual Hard Disk Image Format Specification 1.0). */
function vhd(bytes: number): ImageBytes {
  const tail = Buffer.alloc(1024);
  tail.write('conectix', 512, 'latin1');
  tail.writeBigUInt64BE(BigInt(bytes), 512 + 48);
  tail.writeUInt32BE(2, 512 + 60);
  return { head: Buffer.alloc(4096), tail, length: bytes + 512 };
}

describe('the capacity by an image itself', () => {
  it('is the length of a raw one', () =>
    expect(
      foreignHeader('raw', { head: Buffer.alloc(512), tail: Buffer.alloc(512), length: 3 * MiB }),
    ).toEqual({
      capacity: 3 * MiB,
      refusal: undefined,
    }));

  it('is in the footer of a VHD', () =>
    expect(foreignHeader('vhd', vhd(5 * MiB))).toEqual({ capacity: 5 * MiB, refusal: undefined }));

  it('is not known of a raw one that is compressed as a whole', () =>
    expect(
      foreignHeader('raw', { head: Buffer.alloc(512), tail: undefined, length: undefined }).capacity,
    ).toBeUndefined());
});

describe('the format that an image shows', () => {
  const starting = (text: string): ImageBytes => ({
    head: Buffer.concat([Buffer.from(text, 'latin1'), Buffer.alloc(512)]),
    tail: undefined,
    length: undefined,
  });
  it.each([
    ['QFI\u00fb', 'qcow2'],
    ['KDMV', 'vmdk'],
    ['conectix', 'vhd'],
    ['', 'raw'],
    ['vhdxfile', undefined],
  ])('that starts with %j is %s', (text, format) => expect(shownFormat(starting(text))).toBe(format));
  it('is VHD where the end says so', () => expect(shownFormat(vhd(MiB))).toBe('vhd'));
});
