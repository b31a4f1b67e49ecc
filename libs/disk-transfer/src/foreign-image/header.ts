import { type Qcow2Header, qcow2Header } from './qcow2.js';
import { vmdkHeader } from './vmdk.js';

export type ForeignFormat = 'raw' | 'vmdk' | 'qcow2' | 'vhd';

/** Why an image is not opened. Each has a code of its own wherever it is reported. */
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
  /** Follows the name of the image: "leads to another file, …", with the way out. */
  readonly why: string;
}

/** What an image says about itself. */
export interface ForeignHeader {
  /** Bytes, as the guest sees them; undefined where the format does not say. */
  readonly capacity: number | undefined;
  /** Undefined where nothing speaks against opening it. */
  readonly refusal: ImageRefusal | undefined;
}

/** The bytes of an image, wherever they are. */
export interface ImageBytes {
  /** The first bytes: `HEAD_LENGTH`, or all where the image is shorter. */
  readonly head: Buffer;
  /** The last bytes: `TAIL_LENGTH`, or all. Undefined where the end cannot be read without unpacking the image. */
  readonly tail: Buffer | undefined;
  /** Of the whole image. Undefined where it is not known without unpacking it. */
  readonly length: number | undefined;
}

/** The header, the descriptor of a VMDK (at most 20 sectors at sector 1) and the whole header of a qcow2. */
export const HEAD_LENGTH = 64 * 1024;
/** The footer of a VMDK is in the last but one sector, that of a VHD in the last. */
export const TAIL_LENGTH = 1024;

/**
 * Reads the header of an image that somebody else made. No tool opens the image for this: a tool would also open the files
 * and servers that the header names. Call it before any tool opens the image; it is the only check that does not depend on
 * what the tool does with a header.
 */
export function foreignHeader(format: ForeignFormat, image: ImageBytes): ForeignHeader {
  const found = formatOf(image);
  const isExpected = found === format || (format === 'vhd' && found === 'raw' && image.tail === undefined);
  if (!isExpected) {
    const why = `is ${nameOf[found]} and is declared as ${nameOf[format]}; correct the declared format`;
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

/** The format that an image itself shows; `raw` where it shows none. Undefined: one that is not read. */
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

/** By the magic numbers that QEMU probes for (its block drivers' `bdrv_probe`). */
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

/** The current size, at byte 48 of the footer, of which a dynamic VHD has a copy at the start. */
function vhdCapacity({ head, tail }: ImageBytes): number | undefined {
  const footer = [footerOf(tail), head.subarray(0, VHD_FOOTER)].find(
    (bytes) => bytes?.length === VHD_FOOTER && bytes.toString('latin1', 0, 8) === VHD_COOKIE,
  );
  return footer === undefined ? undefined : Number(footer.readBigUInt64BE(48));
}

/** A dynamic VHD has its footer at both ends. Both are checked, as tools differ in which they read. */
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
