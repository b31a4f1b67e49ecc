import { open, stat } from 'node:fs/promises';
import { LedgerliftError } from '@ledgerlift/contracts';
import type { SourceImage } from '../nbd-server/servers.js';
import { type Qcow2Header, qcow2Header } from './qcow2.js';
import { vmdkHeader } from './vmdk.js';

/** A part of a file. */
export interface Stretch {
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

/** Reads the first and last bytes of an image that consists of one or more parts of files. @throws file system errors */
export async function imageBytes(parts: readonly Stretch[]): Promise<ImageBytes> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return {
    head: await read(parts, 0, Math.min(HEAD_LENGTH, length)),
    tail: await read(parts, Math.max(0, length - TAIL_LENGTH), Math.min(TAIL_LENGTH, length)),
    length,
  };
}

async function read(parts: readonly Stretch[], at: number, length: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let before = 0;
  for (const part of parts) {
    const from = Math.max(at - before, 0);
    const to = Math.min(at + length - before, part.length);
    if (from < to) pieces.push(await readStretch(part.file, part.offset + from, to - from));
    before += part.length;
    if (before >= at + length) break;
  }
  return Buffer.concat(pieces);
}

/** Reads a part of a file; returns less if the file ends early. */
async function readStretch(path: string, at: number, length: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const into = Buffer.alloc(length);
    for (let done = 0; ;) {
      const { bytesRead } = await file.read(into, done, length - done, at + done);
      done += bytesRead;
      if (bytesRead === 0 || done === length) return into.subarray(0, done);
    }
  } finally {
    await file.close();
  }
}

export type ForeignFormat = 'raw' | 'vmdk' | 'qcow2' | 'vhd';

/** Why an image is refused. Reports use a code of their own for each cause. */
export type RefusalCause =
  | 'other-format'
  | 'backing-file'
  | 'external-data'
  | 'unknown-feature'
  | 'parent'
  | 'extents'
  | 'damaged'
  | 'encrypted';

export interface ImageRefusal {
  readonly cause: RefusalCause;
  /** Continues the name of the image, such as "is a qcow2 over another file; …", with the way out. */
  readonly why: string;
}

/** Facts from an image's header. */
export interface ForeignHeader {
  /** Size in bytes as the guest sees it; undefined if the format does not state it. */
  readonly capacity: number | undefined;
  /** Undefined if the image is safe to open. */
  readonly refusal: ImageRefusal | undefined;
}

/** The bytes of an image that hold its header. */
export interface ImageBytes {
  /** The first `HEAD_LENGTH` bytes, or all of a shorter image. */
  readonly head: Buffer;
  /** The last `TAIL_LENGTH` bytes, or all. Undefined if the end cannot be read without unpacking the image. */
  readonly tail: Buffer | undefined;
  /** Length of the whole image. Undefined if unknown without unpacking it. */
  readonly length: number | undefined;
}

/** Enough for a VMDK's header and descriptor (at most 20 sectors at sector 1) and a qcow2's whole header. */
export const HEAD_LENGTH = 64 * 1024;
/** Enough for the footers of a VMDK, in the last but one sector, and of a VHD, in the last. */
export const TAIL_LENGTH = 1024;

/**
 * Reads the header of an image from outside without running a tool, because a tool would also open the files and servers that the
 * header names. Call it before any tool opens the image; it is the only check that does not depend on how the tool treats a header.
 */
export function foreignHeader(format: ForeignFormat, image: ImageBytes): ForeignHeader {
  const found = formatOf(image);
  const isExpected = found === format || (format === 'vhd' && found === 'raw' && image.tail === undefined);
  if (!isExpected) {
    const why = `is ${nameOf[found]}, but is declared as ${nameOf[format]}; correct the declared format`;
    return { capacity: undefined, refusal: { cause: 'other-format', why } };
  }
  switch (format) {
    case 'qcow2':
      return qcow2(qcow2Header(image.head));
    case 'vmdk':
      return vmdkHeader(image);
    case 'vhd':
      return { capacity: vhdCapacity(image), refusal: vhdRefusal(image) };
    case 'raw':
      return { capacity: image.length, refusal: undefined };
  }
}

/** Detects an image's format; `raw` if it shows none. Undefined for formats that we do not read. */
export function shownFormat(image: ImageBytes): ForeignFormat | undefined {
  const found = formatOf(image);
  return found === 'vhdx' || found === 'vdi' ? undefined : found;
}

const nameOf: Readonly<Record<ReturnType<typeof formatOf>, string>> = {
  raw: 'no image of a known format',
  vmdk: 'a VMDK',
  qcow2: 'a qcow2',
  vhd: 'a VHD',
  vhdx: 'a VHDX',
  vdi: 'a VDI',
};

/** Detects the format by the magic numbers that QEMU probes for (its block drivers' `bdrv_probe`). */
function formatOf({ head, tail }: ImageBytes): ForeignFormat | 'vhdx' | 'vdi' {
  const start = head.toString('latin1', 0, 8);
  if (start.startsWith('QFI\u00fb')) return 'qcow2';
  if (start.startsWith('KDMV') || start.startsWith('COWD')) return 'vmdk';
  if (/^(?:\s*#[^\n]*\n|\s)*\s*# Disk DescriptorFile/i.test(head.toString('latin1', 0, 1024))) return 'vmdk';
  if (start === 'vhdxfile') return 'vhdx';
  if (head.length >= 68 && head.readUInt32LE(64) === 0xbeda107f) return 'vdi';
  if (start === VHD_COOKIE || footerOf(tail)?.toString('latin1', 0, 8) === VHD_COOKIE) return 'vhd';
  return 'raw';
}

const VHD_COOKIE = 'conectix';
/** Virtual Hard Disk Image Format Specification 1.0: disk type at byte 60 of the footer. */
const VHD_DIFFERENCING = 4;
const VHD_FOOTER = 512;

const footerOf = (tail: Buffer | undefined): Buffer | undefined =>
  tail === undefined || tail.length < VHD_FOOTER ? undefined : tail.subarray(-VHD_FOOTER);

/** Reads the current size at byte 48 of the footer. A dynamic VHD has a copy of the footer at the start. */
function vhdCapacity({ head, tail }: ImageBytes): number | undefined {
  const footer = [footerOf(tail), head.subarray(0, VHD_FOOTER)].find(
    (bytes) => bytes?.length === VHD_FOOTER && bytes.toString('latin1', 0, 8) === VHD_COOKIE,
  );
  return footer === undefined ? undefined : Number(footer.readBigUInt64BE(48));
}

/** Checks the footer at both ends of a dynamic VHD, because tools differ in which one they read. */
function vhdRefusal({ head, tail }: ImageBytes): ImageRefusal | undefined {
  const isDelta = [head.subarray(0, VHD_FOOTER), footerOf(tail)].some(
    (footer) =>
      footer?.length === VHD_FOOTER &&
      footer.toString('latin1', 0, 8) === VHD_COOKIE &&
      footer.readUInt32BE(60) === VHD_DIFFERENCING,
  );
  return isDelta
    ? { cause: 'parent', why: 'is a differencing VHD over another file; merge it with its parent' }
    : undefined;
}

const qcow2 = ({ size, refusal }: Qcow2Header): ForeignHeader => ({ capacity: size, refusal });

/** An image refers to other files, or differs from its declared format. No tool opens it. */
export class ForeignImageRefused extends LedgerliftError {
  readonly code = 'LL-DSK-040';
  constructor(path: string, why: string) {
    super(`the image in ${path} ${why}`);
  }
}

const formats: Readonly<Record<SourceImage['driver'], ForeignFormat>> = {
  raw: 'raw',
  vmdk: 'vmdk',
  qcow2: 'qcow2',
  vpc: 'vhd',
};

/**
 * Checks an image right before a tool opens it, because the file may have been replaced since the inventory was read.
 *
 * @throws ForeignImageRefused
 */
export async function assertSelfContained({ driver, file, within }: SourceImage): Promise<void> {
  // A tool that reads an image as raw follows no references in it.
  if (driver === 'raw') return;
  const stretch = within ?? { offset: 0, length: (await stat(file)).size };
  const { refusal } = foreignHeader(formats[driver], await imageBytes([{ file, ...stretch }]));
  if (refusal !== undefined) throw new ForeignImageRefused(file, refusal.why);
}
