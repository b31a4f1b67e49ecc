/** The part of a list that was asked for; only its items are looked at more closely. */
export function pageFrom<T, V>(
  all: readonly T[],
  { offset, limit }: { readonly offset: number; readonly limit: number },
  view: (item: T) => V,
): { items: V[]; total: number; offset: number } {
  return { items: all.slice(offset, offset + limit).map(view), total: all.length, offset };
}
