import type { Condition } from '@ledgerlift/contracts';
import { condition, listed } from '../condition-types.js';
import type { SelectionFacts } from '../plan-facts.js';

/** What the plan's selectors and exceptions mean is clear, and is something. */
export function checkSelection({ inventory, selection, vms }: SelectionFacts): readonly Condition[] {
  // Nothing of it can be said of a source that cannot be read, which is told by itself.
  if (inventory === undefined) return [];
  const { empty, unclear, unclearExceptions, contradicted } = selection;
  const unknown = unclearExceptions.filter(({ matches }) => matches.length === 0).map(({ ref }) => ref);
  return [
    ...vms
      .filter(({ conflicts }) => conflicts.length > 0)
      .map(({ vm, entry, conflicts }) => {
        const name = vm?.name ?? entry.ref;
        return condition('DuplicateVM', 'SettingsConflict', `of '${name}', ${conflicts.join('; ')}`, [name]);
      }),
    ...contradicted.map(({ name }) =>
      condition('DuplicateVM', 'NamedAndExcepted', `'${name}' is in \`vms\` and in \`except\``, [name]),
    ),
    ...unclearExceptions
      .filter(({ matches }) => matches.length > 1)
      .map(({ ref, matches }) => {
        const places = matches.map(({ id, path }) => `${path} (${id})`);
        return condition(
          'DuplicateVM',
          'ExceptionAmbiguous',
          `'${ref}' in \`except\` means ${listed(places)}`,
          [ref],
        );
      }),
    ...unclear.map(({ by, words }) =>
      condition('SelectorNotClear', 'NameNotUnique', `${by}: ${words}; name it by its id or path`, [by]),
    ),
    ...empty.map((words) => condition('SelectorMatchesNothing', 'NoVm', `${words} means no VM`, [words])),
    ...unknown.map((ref) =>
      condition(
        'SelectorMatchesNothing',
        'ExceptionNotFound',
        `the inventory has no '${ref}' of \`except\``,
        [ref],
      ),
    ),
    ...(selection.vms.length === 0
      ? [condition('VMNotFound', 'NothingSelected', 'the plan means no VM at all', [])]
      : []),
  ];
}
