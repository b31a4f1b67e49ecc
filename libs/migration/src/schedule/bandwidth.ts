/** A copy that runs, and the most that it may take by its own plan. */
export interface RunningCopy {
  readonly key: string;
  /** Bytes a second; none: as much as there is. */
  readonly limit?: number;
}

/**
 * Divides a budget among the copies that run so that nobody could get more without somebody who has less getting less
 * (max-min fairness): who wants little gets it, and the others share what is left in equal parts.
 *
 * @param total bytes a second for all together; undefined: no budget, and each has its own limit
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
      // A copy always gets on, however many there are.
      return [key, Math.max(1, Math.floor(share))];
    }),
  );
}
