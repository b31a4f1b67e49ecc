/** A running copy, and the limit that its own plan sets. */
export interface RunningCopy {
  readonly key: string;
  /** Bytes a second; unlimited if absent. */
  readonly limit?: number;
}

/**
 * Divides a budget among the running copies by max-min fairness: copies that want little get all they want, and the others
 * share the rest equally.
 *
 * @param total bytes a second for all copies together; undefined: no budget, so each copy has only its own limit
 */
export function fairShares(
  total: number | undefined,
  copies: readonly RunningCopy[],
): ReadonlyMap<string, number | undefined> {
  if (total === undefined) return new Map(copies.map(({ key, limit }) => [key, limit]));
  const wants = copies.toSorted((one, other) => (one.limit ?? Infinity) - (other.limit ?? Infinity));
  let left = total;
  return new Map(
    wants.map(({ key, limit = Infinity }, index) => {
      const share = Math.min(limit, left / (wants.length - index));
      left -= share;
      // Every copy makes progress, however many there are.
      return [key, Math.max(1, Math.floor(share))];
    }),
  );
}
