import type { Condition } from '@ledgerlift/contracts';
import { condition, listed } from '../condition-types.js';
import type { PlannedVm, SelectionFacts } from '../plan-facts.js';

/** Every VM exists, once. */
export function checkVmsExist({ inventory, vms }: SelectionFacts): readonly Condition[] {
  const missing = vms.filter(({ matches }) => matches.length === 0).map(({ entry }) => entry.ref);
  const ambiguous = vms.filter(({ matches }) => matches.length > 1);
  const problems = inventory?.problems.length ?? 0;
  const hint = problems > 0 ? ` (${problems} files of the source could not be read)` : '';
  return [
    ...(missing.length === 0 || inventory === undefined
      ? []
      : [condition('VMNotFound', 'NotFound', `the inventory has no ${listed(missing)}${hint}`, missing)]),
    ...ambiguous.map(({ entry, matches }) => {
      const places = matches.map(({ id, path }) => `${path} (${id})`);
      return condition(
        'DuplicateVM',
        'Ambiguous',
        `'${entry.ref}' means ${listed(places)}; name one by its id`,
        [entry.ref],
      );
    }),
    ...repeated(vms, ({ vm }) => vm?.id).map(([, [first]]) => {
      const name = first?.vm?.name ?? '';
      return condition('DuplicateVM', 'NotUnique', `'${name}' is in the plan more than once`, [name]);
    }),
  ];
}

/** Names are valid at the target, and each is given once. */
export function checkTargetNames({ vms }: SelectionFacts): readonly Condition[] {
  const renamed = vms.filter(
    ({ entry, vm, targetName }) =>
      vm !== undefined && entry.targetName === undefined && targetName !== vm.name,
  );
  return [
    ...renamed.map(({ vm, targetName }) => {
      const name = vm?.name ?? '';
      return condition('TargetNameNotValid', 'Renamed', `'${name}' will be called '${targetName}'`, [name]);
    }),
    ...repeated(vms, ({ vm, targetName, targetNamespace }) =>
      vm === undefined ? undefined : `${targetNamespace}/${targetName}`,
    )
      .filter(([, same]) => new Set(same.map(({ vm }) => vm?.id)).size > 1)
      .map(([name, same]) => {
        const names = same.map(({ vm }) => vm?.name ?? '');
        const message = `${listed(names)} would all be '${name}'`;
        return condition('DuplicateVM', 'TargetNameNotUnique', message, names);
      }),
  ];
}

function repeated(
  vms: readonly PlannedVm[],
  keyOf: (vm: PlannedVm) => string | undefined,
): readonly (readonly [string, readonly PlannedVm[]])[] {
  const groups = Map.groupBy(vms, keyOf);
  return [...groups].flatMap(([key, same]) =>
    key === undefined || same.length < 2 ? [] : [[key, same] as const],
  );
}
