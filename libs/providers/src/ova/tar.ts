import type { FileHandle } from 'node:fs/promises';
import { nameText } from './xml.js';
import { BadOva } from './errors.js';

export interface TarEntry {
  readonly name: string;
  readonly kind: 'file' | 'other';
  /** Offset of the content in the tar. */
  readonly offset: number;
  readonly length: number;
}

const BLOCK = 512;
/** More than any real OVA has: a descriptor, a manifest, a certificate, disks and their chunks. */
const MOST_ENTRIES = 20_000;
const LONGEST_EXTENSION = 64 * 1024;
/** Extensions before one entry: a long name, a long link, local and global pax records. */
const MOST_EXTENSIONS = 8;
const ALL_EXTENSIONS = 8 * 1024 * 1024;

/**
 * Lists the entries of a tar (POSIX ustar and pax, GNU long names and sizes) without reading their contents.
 *
 * @throws BadOva for a truncated or malformed tar
 */
export async function readTar(file: FileHandle, size: number): Promise<readonly TarEntry[]> {
  const entries: TarEntry[] = [];
  let next: { name?: string; length?: number } = {};
  let offset = 0;
  let extensions = 0;
  let extensionBytes = 0;
  const header = Buffer.alloc(BLOCK);
  while (offset < size) {
    if (offset + BLOCK > size) throw bad(offset, 'it is cut off in a header');
    await readFully(file, header, offset);
    if (header.every((byte) => byte === 0)) break;
    checkSum(header, offset);
    const length = next.length ?? numberField(header, 124, 12, offset);
    const contentAt = offset + BLOCK;
    if (contentAt + length > size)
      throw bad(offset, `it is cut off: an entry of ${length} bytes ends beyond the file`);
    const type = String.fromCharCode(header[156] ?? 0);
    if (type === 'L' || type === 'K' || type === 'x' || type === 'g') {
      if (length > LONGEST_EXTENSION) throw bad(offset, `a header extension of ${length} bytes`);
      extensions += 1;
      extensionBytes += length;
      if (extensions > MOST_EXTENSIONS)
        throw bad(offset, `more than ${MOST_EXTENSIONS} header extensions of one entry`);
      if (extensionBytes > ALL_EXTENSIONS)
        throw bad(offset, `more than ${ALL_EXTENSIONS} bytes of header extensions`);
      const content = Buffer.alloc(length);
      await readFully(file, content, contentAt);
      if (type === 'L') next = { ...next, name: text(content, 0, length) };
      else if (type === 'x') next = { ...next, ...paxFields(content) };
    } else {
      const kind = type === '0' || type === '\0' || type === '7' ? 'file' : 'other';
      entries.push({
        name: (next.name ?? ustarName(header)).replace(/^(\.\/)+/, ''),
        kind,
        offset: contentAt,
        length,
      });
      next = {};
      extensions = 0;
      if (entries.length > MOST_ENTRIES) throw bad(offset, `more than ${MOST_ENTRIES} entries`);
    }
    offset = contentAt + Math.ceil(length / BLOCK) * BLOCK;
  }
  if (entries.length === 0) throw bad(0, 'it holds nothing');
  const names = new Set(entries.map(({ name }) => name));
  if (names.size < entries.length)
    throw bad(0, 'it holds two entries of one name, and which is meant cannot be told');
  return entries;
}

async function readFully(file: FileHandle, into: Buffer, offset: number): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await file.read(into, done, into.length - done, offset + done);
    if (bytesRead === 0) throw bad(offset, 'it is cut off');
    done += bytesRead;
  }
}

/** Checks that the checksum is the sum of the header's bytes, with its own field counted as spaces. */
function checkSum(header: Buffer, offset: number): void {
  let sum = 0;
  for (let index = 0; index < BLOCK; index += 1)
    sum += index >= 148 && index < 156 ? 32 : (header[index] ?? 0);
  if (numberField(header, 148, 8, offset) !== sum) throw bad(offset, 'a header has a wrong checksum');
}

/** Reads octal digits or, if the first bit is set, a big-endian binary number (GNU, for 8 GiB and more). */
function numberField(header: Buffer, at: number, length: number, offset: number): number {
  const field = header.subarray(at, at + length);
  if (((field[0] ?? 0) & 0x80) !== 0) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
    if (!Number.isSafeInteger(value)) throw bad(offset, 'a size beyond reason');
    return value;
  }
  const digits = text(field, 0, length).trim();
  if (!/^[0-7]*$/.test(digits)) throw bad(offset, `a number field holds '${digits}'`);
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function ustarName(header: Buffer): string {
  const prefix = text(header, 257, 5) === 'ustar' ? text(header, 345, 155) : '';
  const name = text(header, 0, 100);
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Parses records of `{length} {key}={value}\n`. Ignores unknown keys. */
function paxFields(content: Buffer): { name?: string; length?: number } {
  const fields: { name?: string; length?: number } = {};
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(0x20, at);
    const length = Number(content.toString('latin1', at, space));
    if (space < 0 || !Number.isInteger(length) || length <= 0) break;
    const record = content.toString('utf8', space + 1, at + length - 1);
    const [key, value] = [record.slice(0, record.indexOf('=')), record.slice(record.indexOf('=') + 1)];
    if (key === 'path') fields.name = value;
    if (key === 'size' && /^\d{1,15}$/.test(value)) fields.length = Number(value);
    at += length;
  }
  return fields;
}

function text(bytes: Buffer, at: number, length: number): string {
  const field = bytes.subarray(at, at + length);
  const end = field.indexOf(0);
  return nameText(field.subarray(0, end < 0 ? field.length : end));
}

const bad = (offset: number, reason: string): BadOva =>
  new BadOva('badTar', `the tar is not sound: ${reason} (at byte ${offset})`);
