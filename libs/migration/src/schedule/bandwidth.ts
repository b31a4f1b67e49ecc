export function fairShares(
  total: number | undefined,
  copies: readonly { readonly key: string; readonly limit?: number }[],
): ReadonlyMap<string, number | undefined> {
  return new Map(copies.map(({ key, limit }) => [key, total === undefined ? limit : total / copies.length]));
}
