import { CHUNK_SIZE, chunkCount } from './chunk.js';

/** Bytes `offset` to `offset + length` of a disk. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** The numbers of the chunks that hold at least one byte of the ranges. What lies past the disk's end is left out. */
export function* chunksTouchedBy(ranges: readonly ByteRange[], size: number): Generator<number> {
  for (const { offset, length } of ranges) {
    const end = Math.min(Math.ceil((offset + length) / CHUNK_SIZE), chunkCount(size));
    if (length > 0) for (let index = Math.floor(offset / CHUNK_SIZE); index < end; index += 1) yield index;
  }
}

/** Ranges in order, with those joined that are no further apart than `gap`. */
export function joined(ranges: readonly ByteRange[], gap: number): readonly ByteRange[] {
  const found: { offset: number; length: number }[] = [];
  for (const { offset, length } of ranges) {
    const last = found.at(-1);
    if (last !== undefined && offset - (last.offset + last.length) <= gap)
      last.length = Math.max(last.length, offset + length - last.offset);
    else found.push({ offset, length });
  }
  return found;
}
