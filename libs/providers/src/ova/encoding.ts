import { BadOva } from './errors.js';

const boms: readonly (readonly [bytes: readonly number[], label: string])[] = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
  // `<?` without a byte order mark (XML 1.0, appendix F).
  [[0x3c, 0x00, 0x3f, 0x00], 'utf-16le'],
  [[0x00, 0x3c, 0x00, 0x3f], 'utf-16be'],
];
const DECLARATION_LENGTH = 256;

/**
 * The text of an XML document, in the encoding that its first bytes show, or that it declares (XML 1.0, 4.3.3).
 *
 * @throws BadOva for an unknown encoding, and for bytes that are not of the encoding: a name must never be read wrong
 */
export function xmlText(content: Buffer): string {
  const shown = boms.find(([bytes]) => bytes.every((byte, index) => content[index] === byte))?.[1];
  const label = shown ?? declared(content) ?? 'utf-8';
  const decoder = decoderOf(label);
  if (decoder === undefined) throw unreadable(`the encoding '${label.slice(0, 50)}' is unknown`);
  try {
    return decoder.decode(content);
  } catch {
    throw unreadable(`its bytes are not all of the encoding '${label}'`);
  }
}

function decoderOf(label: string): InstanceType<typeof TextDecoder> | undefined {
  try {
    return new TextDecoder(label, { fatal: true });
  } catch {
    return undefined;
  }
}

const unreadable = (why: string): BadOva =>
  new BadOva(
    'badXml',
    `the OVF cannot be read: ${why}; export the VM again, or write the OVF as UTF-8`,
    'Envelope',
  );

function declared(content: Buffer): string | undefined {
  const start = content.toString('latin1', 0, DECLARATION_LENGTH);
  const label = /^<\?xml[^>]*?\bencoding\s*=\s*["']([\w.:-]+)["']/.exec(start)?.[1];
  // Without a byte order mark and with bytes that read as ASCII, it cannot be UTF-16, whatever it declares.
  return label !== undefined && /^utf-?16/i.test(label) ? undefined : label;
}

/** A name in a tar or a manifest: UTF-8, or else ISO-8859-1, in which every byte is a character. */
export function nameText(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}
