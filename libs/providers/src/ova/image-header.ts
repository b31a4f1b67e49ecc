import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import {
  HEAD_LENGTH,
  type RefusalCause,
  foreignHeader,
  imageBytes,
  shownFormat,
} from '@ledgerlift/disk-transfer';
import { BadOva, type ovaCodes } from './errors.js';
import type { Located } from './package.js';

const kinds: Readonly<Record<RefusalCause, keyof typeof ovaCodes>> = {
  'other-format': 'otherFormat',
  'backing-file': 'backingFile',
  'external-data': 'externalData',
  'unknown-feature': 'unknownFeature',
  parent: 'parentImage',
  extents: 'foreignExtents',
  damaged: 'badDisk',
  encrypted: 'unsupported',
};

type Format = 'vmdk' | 'raw' | 'qcow2' | 'vhd';

export interface SeenImage {
  readonly format: Format;
  /** Bytes; undefined where the image does not say. */
  readonly capacity: number | undefined;
}

/** What a descriptor says of an image. */
export interface DeclaredImage {
  /** Undefined: no format that is known. Then the image itself tells. */
  readonly format: Format | undefined;
  /** oVirt declares raw images as VMDK (OvfWriter of its engine). */
  readonly exportedBy: string;
  readonly parts: readonly Located[];
  readonly compression: 'none' | 'gzip';
  readonly field: string;
}

/**
 * Format and capacity by a disk image's own header. The header is checked first: an image that needs another file is refused,
 * and so is one of another format than declared, as nobody knows which of the two a tool would believe.
 *
 * @throws BadOva with a code for each cause
 */
export async function seenImage({
  format,
  exportedBy,
  parts,
  compression,
  field,
}: DeclaredImage): Promise<SeenImage> {
  const image =
    compression === 'none'
      ? await imageBytes(parts)
      : { head: await inflatedHead(parts, field), tail: undefined, length: undefined };
  const shown = shownFormat(image);
  const isRawOfOvirt = format === 'vmdk' && exportedBy === 'oVirt' && shown === 'raw';
  // Bytes without a known header are raw only where somebody says so: they may be a format that is not known here.
  const otherwise = shown === undefined || shown === 'raw' ? 'vmdk' : shown;
  const actual = isRawOfOvirt ? 'raw' : (format ?? otherwise);
  const { capacity, refusal } = foreignHeader(actual, image);
  if (refusal === undefined) return { format: actual, capacity };
  const file = parts[0]?.file ?? '';
  throw new BadOva(kinds[refusal.cause], `the disk in ${file} ${refusal.why}`, field);
}

/** Inflates only as much as the header needs. */
async function inflatedHead(parts: readonly Located[], field: string): Promise<Buffer> {
  const [first] = parts;
  if (first === undefined || first.length === 0) return Buffer.alloc(0);
  const source = createReadStream(first.file, {
    start: first.offset,
    end: first.offset + first.length - 1,
    highWaterMark: HEAD_LENGTH,
  });
  const inflating = source.pipe(createGunzip({ chunkSize: HEAD_LENGTH }));
  source.once('error', (error) => inflating.destroy(error));
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of inflating as AsyncIterable<Buffer>) {
      pieces.push(piece);
      length += piece.length;
      if (length >= HEAD_LENGTH) break;
    }
  } catch (error) {
    // A chunk that ends within the first bytes of the image; the rest is checked when all chunks are joined.
    if (parts.length > 1 && length > 0) return Buffer.concat(pieces);
    const reason = error instanceof Error ? error.message : String(error);
    throw new BadOva(
      'badDisk',
      `${first.file} is not compressed by gzip, as the OVF says, or is cut off: ${reason}`,
      field,
    );
  } finally {
    source.destroy();
  }
  return Buffer.concat(pieces).subarray(0, HEAD_LENGTH);
}
