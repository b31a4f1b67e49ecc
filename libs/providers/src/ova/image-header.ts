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
  /** Bytes; undefined if the image does not state them. */
  readonly capacity: number | undefined;
}

/** A descriptor's facts about an image. */
export interface DeclaredImage {
  /** Undefined for an unknown format; then the image itself decides. */
  readonly format: Format | undefined;
  /** oVirt declares raw images as VMDK (OvfWriter of its engine). */
  readonly exportedBy: string;
  readonly parts: readonly Located[];
  readonly compression: 'none' | 'gzip';
  readonly field: string;
}

/**
 * Reads format and capacity from a disk image's own header. Refuses an image that needs another file, or whose format differs from
 * the declared one, because tools differ in which of the two they believe.
 *
 * @throws BadOva with its own code for each cause
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
  // Bytes without a known header may be an unknown format, so they are raw only if declared as raw.
  const otherwise = shown === undefined || shown === 'raw' ? 'vmdk' : shown;
  const actual = isRawOfOvirt ? 'raw' : (format ?? otherwise);
  const { capacity, refusal } = foreignHeader(actual, image);
  if (refusal === undefined) return { format: actual, capacity };
  const file = parts[0]?.file ?? '';
  throw new BadOva(kinds[refusal.cause], `the disk in ${file} ${refusal.why}`, field);
}

/** Decompresses only as much as the header needs. */
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
    // The chunk ends within the image's first bytes; the rest is checked when all chunks are joined.
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
