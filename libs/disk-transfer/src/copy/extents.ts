import { type ByteRange, joined } from '../chunks/ranges.js';
import type { Extent, NbdClient } from '../nbd/client.js';

/** A block status request covers at most so much: its length is a 32-bit number. */
const STATUS_LENGTH = 1024 ** 3;
/** Ranges no further apart are asked for together: an extent more costs less than a request more. */
const GAP = 64 * 1024 ** 2;

/** The extents of at least these ranges, which are in order; neighbours of the same kind are joined. */
export async function extentsOf(
  source: NbdClient,
  ranges: readonly ByteRange[],
  signal: AbortSignal,
): Promise<readonly Extent[]> {
  const extents: Extent[] = [];
  for (const { offset, length } of joined(ranges, GAP)) {
    const end = offset + length;
    for (let at = offset; at < end;) {
      signal.throwIfAborted();
      for (const extent of await source.blockStatus(at, Math.min(STATUS_LENGTH, end - at))) {
        const last = extents.at(-1);
        if (last?.zero === extent.zero && last.offset + last.length === extent.offset)
          extents[extents.length - 1] = { ...last, length: last.length + extent.length };
        else extents.push(extent);
        at = extent.offset + extent.length;
      }
    }
  }
  return extents;
}

/**
 * Finds the parts of a range that must be read; the rest of it is zeros. Only for ranges whose extents it was given;
 * they are to be asked for in order.
 */
export class DataRanges {
  #at = 0;

  constructor(private readonly extents: readonly Extent[]) {}

  within(offset: number, length: number): readonly ByteRange[] {
    const end = offset + length;
    const found: ByteRange[] = [];
    while (this.#at > 0 && (this.extents[this.#at]?.offset ?? Number.POSITIVE_INFINITY) > offset)
      this.#at -= 1;
    for (let index = this.#at; index < this.extents.length; index += 1) {
      const extent = this.extents[index];
      if (extent === undefined || extent.offset >= end) break;
      const extentEnd = extent.offset + extent.length;
      if (extentEnd <= offset) {
        this.#at = index + 1;
        continue;
      }
      if (extent.zero) continue;
      const from = Math.max(extent.offset, offset);
      found.push({ offset: from, length: Math.min(extentEnd, end) - from });
    }
    return found;
  }
}
