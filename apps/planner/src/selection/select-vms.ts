import type { Inventory, PlanSpec, PlanVm, SourceVm } from '@ledgerlift/contracts';
import { type Saying, choicesOf, merged } from './merge.js';
import { type KnownPlaces, unclearWords } from './places.js';
import { describe, meaningOf } from './selector.js';

/** A VM that the plan means, or a ref of the plan that means none or several. */
export interface SelectedVm {
  /** All that the plan says of it, put together. */
  readonly entry: PlanVm;
  readonly matches: readonly SourceVm[];
  /** Where exactly one matches. */
  readonly vm: SourceVm | undefined;
  /** What of the plan means it, such as `vms[0]` and `select[2]`. */
  readonly by: readonly string[];
  /** Settings of which different things are said, in words. */
  readonly conflicts: readonly string[];
}

export interface Selection {
  /** Those of `vms` in their order, then those of the selectors. */
  readonly vms: readonly SelectedVm[];
  /** Selectors that mean no VM, in words. */
  readonly empty: readonly string[];
  /** Selectors in which a name fits several places, in words. They mean no VM. */
  readonly unclear: readonly { readonly by: string; readonly words: string }[];
  readonly leftOut: readonly SourceVm[];
  /** Refs in `except` that lead to no VM, or to several. */
  readonly unclearExceptions: readonly { readonly ref: string; readonly matches: readonly SourceVm[] }[];
  /** VMs that `vms` names and `except` leaves out. */
  readonly contradicted: readonly SourceVm[];
}

export type Selecting = Pick<PlanSpec, 'vms' | 'select' | 'except'>;
export type SelectedFrom = Pick<Inventory, 'vms'> & KnownPlaces;

/**
 * What a plan's `vms`, `select` and `except` mean in an inventory.
 *
 * @param recorded VMs as they were when their migration started, by id: selectors look at these, for the migration
 *   itself changes what they look at (it powers VMs off)
 */
export function selectVms(
  spec: Selecting,
  inventory: SelectedFrom,
  recorded: ReadonlyMap<string, SourceVm> = new Map(),
): Selection {
  const find = finder(inventory.vms);
  const exceptions = spec.except.map((ref) => ({ ref, matches: find(ref) }));
  const excepted = new Set(exceptions.flatMap(({ matches }) => matches.map(({ id }) => id)));
  const meant = spec.select.map((selector, index) => {
    const { means, unclear } = meaningOf(selector, inventory);
    return {
      by: `select[${index}]`,
      words: describe(selector),
      choices: choicesOf(selector),
      unclear,
      vms: inventory.vms.filter((vm) => means(recorded.get(vm.id) ?? vm)),
    };
  });
  const sayings = new Map<string, { readonly vm: SourceVm; readonly said: Saying[] }>();
  for (const { by, choices, vms } of meant) {
    for (const vm of vms) {
      if (excepted.has(vm.id)) continue;
      const known = sayings.get(vm.id);
      if (known === undefined) sayings.set(vm.id, { vm, said: [{ by, choices }] });
      else known.said.push({ by, choices });
    }
  }
  const named = spec.vms.map((entry, index) => {
    const matches = find(entry.ref);
    const vm = matches.length === 1 ? matches[0] : undefined;
    const others = (vm && sayings.get(vm.id)?.said) ?? [];
    const said = [{ by: `vms[${index}]`, choices: choicesOf(entry) }, ...others];
    return { ...selected(entry, said), matches, vm };
  });
  const isNamed = new Set(named.flatMap(({ vm }) => vm?.id ?? []));
  const picked = [...sayings.values()]
    .filter(({ vm }) => !isNamed.has(vm.id))
    .map(({ vm, said }) => ({ ...selected({ ref: vm.id }, said), matches: [vm], vm }));
  const all = meant.flatMap(({ vms }) => vms);
  return {
    vms: [...named, ...picked],
    empty: meant.flatMap(({ by, words, vms, unclear }) =>
      vms.length === 0 && unclear.length === 0 ? [`${by} (${words})`] : [],
    ),
    unclear: meant.flatMap(({ by, unclear }) => unclear.map((each) => ({ by, words: unclearWords(each) }))),
    leftOut: [...new Map(all.filter(({ id }) => excepted.has(id)).map((vm) => [vm.id, vm])).values()],
    unclearExceptions: exceptions.filter(({ matches }) => matches.length !== 1),
    contradicted: named.flatMap(({ vm }) => (vm !== undefined && excepted.has(vm.id) ? [vm] : [])),
  };
}

function selected(named: PlanVm, said: readonly Saying[]): Pick<SelectedVm, 'entry' | 'by' | 'conflicts'> {
  const { choices, conflicts } = merged(said);
  return { entry: { ...named, ...choices }, by: said.map(({ by }) => by), conflicts };
}

/** The VMs that a ref leads to, by their ids or names: more than one where it is not clear which is meant. */
export function finder(vms: readonly SourceVm[]): (ref: string) => readonly SourceVm[] {
  const byId = new Map(vms.map((vm) => [vm.id, vm]));
  const byName = Map.groupBy(vms, ({ name }) => name);
  return (ref) => {
    const vm = byId.get(ref);
    const named = byName.get(ref) ?? [];
    // A VM may be called as another one is numbered: then nobody can say which is meant.
    return vm === undefined ? named : [vm, ...named.filter(({ id }) => id !== vm.id)];
  };
}
