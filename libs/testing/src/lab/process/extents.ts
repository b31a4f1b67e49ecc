/** A row of bytes of a disk: offset and length. */
export type LabExtent = readonly [offset: number, length: number];

/** Sorted, and what overlaps or touches made one. */
export function united(extents: readonly LabExtent[]): readonly LabExtent[] {
  const result: [number, number][] = [];
  for (const [offset, length] of [...extents].sort(([a], [b]) => a - b)) {
    const last = result.at(-1);
    if (last !== undefined && last[0] + last[1] >= offset)
      last[1] = Math.max(last[1], offset + length - last[0]);
    else if (length > 0) result.push([offset, length]);
  }
  return result;
}
