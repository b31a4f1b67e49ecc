import type { Extent, NbdClient } from '../nbd/client.js';

/** A block status request covers at most so much: its length is a 32-bit number. */
const STATUS_LENGTH = 1024 ** 3;

/** The extents of a whole disk, in order and without gaps; neighbours of the same kind are joined. */
export async function extentsOf(source: NbdClient, signal: AbortSignal): Promise<readonly Extent[]> {
  const extents: Extent[] = [];
  let offset = 0;
  while (offset < source.size) {
    signal.throwIfAborted();
    for (const extent of await source.blockStatus(offset, Math.min(STATUS_LENGTH, source.size - offset))) {
      const last = extents.at(-1);
      if (last !== undefined && last.zero === extent.zero) {
        extents[extents.length - 1] = { ...last, length: last.length + extent.length };
      } else extents.push(extent);
      offset = extent.offset + extent.length;
    }
  }
  return extents;
}

/** Finds the parts of a range that must be read; the rest of it is zeros. Ranges are to be asked for in order. */
export class DataRanges {
  #at = 0;

  constructor(private readonly extents: readonly Extent[]) {}

  within(offset: number, length: number): readonly { readonly offset: number; readonly length: number }[] {
    const end = offset + length;
    const found: { offset: number; length: number }[] = [];
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
