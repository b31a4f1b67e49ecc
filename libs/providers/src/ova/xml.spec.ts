import { describe, expect, it } from '@jest/globals';
import { nameText, xmlText } from './xml.js';

const xml = (encoding?: string): string =>
  `<?xml version="1.0"${encoding === undefined ? '' : ` encoding="${encoding}"`}?><Name>Büro</Name>`;
const bigEndian = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();
const mark = '\uFEFF';

describe('the text of an OVF', () => {
  it.each([
    ['UTF-8, as nothing else is declared', Buffer.from(xml())],
    ['UTF-8 with a byte order mark', Buffer.from(mark + xml('UTF-8'))],
    ['ISO-8859-1', Buffer.from(xml('ISO-8859-1'), 'latin1')],
    ['windows-1252', Buffer.from(xml('windows-1252'), 'latin1')],
    ['UTF-16 with a mark', Buffer.from(mark + xml('UTF-16'), 'utf16le')],
    ['UTF-16 with a mark, big end first', bigEndian(mark + xml('UTF-16'))],
    ['UTF-16 without a mark', Buffer.from(xml('UTF-16'), 'utf16le')],
    ['UTF-16 without a mark, big end first', bigEndian(xml('UTF-16'))],
    ['UTF-8 that says it were UTF-16', Buffer.from(xml('UTF-16'))],
  ])('is read from %s', (_what, bytes) => expect(xmlText(bytes)).toContain('<Name>Büro</Name>'));

  it.each([
    [
      'bytes that are not of its encoding',
      Buffer.from(xml('UTF-8'), 'latin1'),
      /not all of the encoding 'utf-8'/i,
    ],
    ['an encoding that nobody knows', Buffer.from(xml('klingon')), /'klingon' is unknown/],
  ])('is refused for %s', (_what, bytes, message) =>
    expect(() => xmlText(bytes)).toThrow(
      expect.objectContaining({ code: 'LL-OVA-004', message: expect.stringMatching(message) }),
    ),
  );
});

describe('the name of a file', () => {
  it.each(['utf8', 'latin1'] as const)('is read from %s', (encoding) =>
    expect(nameText(Buffer.from('büro.vmdk', encoding))).toBe('büro.vmdk'),
  );
});
