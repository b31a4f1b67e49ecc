import type { Condition } from '@ledgerlift/contracts';
import { condition, listed } from '../condition-types.js';
import { type Named, doubtfulSources, placesOf } from '../pairs.js';

const kinds = {
  network: { ambiguous: 'SourceNetworkAmbiguous', notValid: 'SourceNetworkNotValid' },
  storage: { ambiguous: 'SourceStorageAmbiguous', notValid: 'SourceStorageNotValid' },
} as const;

/**
 * What the pairs of a mapping name at the source exists, is one thing, and has one pair.
 *
 * @param known undefined: the source could not be read, and nothing is said of what it does not have
 */
export function checkSources(
  kind: keyof typeof kinds,
  pairs: readonly { readonly source: string }[],
  known: Named | undefined,
): readonly Condition[] {
  const { twice, several, unknown } = doubtfulSources(pairs, known ?? []);
  const { ambiguous, notValid } = kinds[kind];
  return [
    ...twice.map((source) =>
      condition(ambiguous, 'Ambiguous', `${kind} '${source}' has several pairs`, [source]),
    ),
    ...several.map(({ source, candidates }) => {
      const places = placesOf(candidates);
      return condition(
        ambiguous,
        'NameNotUnique',
        `the source has ${places.length} ${kind}s called '${source}': ${listed(places)}; map them by id`,
        [source, ...places],
      );
    }),
    ...(known === undefined ? [] : unknown).map((source) =>
      condition(notValid, 'NotFound', `the source has no ${kind} '${source}'`, [source]),
    ),
  ];
}
