import {
  type Inventory,
  type PlanSpec,
  type PlanVm,
  type Selector,
  type SourceVm,
  vmChoices,
} from '@ledgerlift/contracts';
import { type KnownPlaces, unclearWords } from './places.js';
import { describe, meaningOf } from './selector.js';

/** A VM that the plan selects, or a ref of the plan that matches none or several. */
export interface SelectedVm {
  /** The merged settings for the VM. */
  readonly entry: PlanVm;
  readonly matches: readonly SourceVm[];
  /** Set if exactly one VM matches. */
  readonly vm: SourceVm | undefined;
  /** The parts of the plan that select it, such as `vms[0]` and `select[2]`. */
  readonly by: readonly string[];
  /** Settings with different values, in words. */
  readonly conflicts: readonly string[];
}

export interface Selection {
  /** First those of `vms`, in order, then those of the selectors. */
  readonly vms: readonly SelectedVm[];
  /** Selectors that match no VM, in words. */
  readonly empty: readonly string[];
  /** Selectors in which a name matches several places, in words. They select no VM. */
  readonly unclear: readonly { readonly by: string; readonly words: string }[];
  readonly leftOut: readonly SourceVm[];
  /** Refs in `except` that match no VM, or several. */
  readonly unclearExceptions: readonly { readonly ref: string; readonly matches: readonly SourceVm[] }[];
  /** VMs that are both in `vms` and in `except`. */
  readonly contradicted: readonly SourceVm[];
}

export type Selecting = Pick<PlanSpec, 'vms' | 'select' | 'except'>;
export type SelectedFrom = Pick<Inventory, 'vms'> & KnownPlaces;

/**
 * Looks up a plan's `vms`, `select` and `except` in an inventory.
 *
 * @param recorded VMs as they were when their migration started, by id. Selectors look at these, because the migration itself
 *   changes what they look at (it powers VMs off)
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

/** Finds VMs by id or name; more than one if the ref is ambiguous. */
export function finder(vms: readonly SourceVm[]): (ref: string) => readonly SourceVm[] {
  const byId = new Map(vms.map((vm) => [vm.id, vm]));
  const byName = Map.groupBy(vms, ({ name }) => name);
  return (ref) => {
    const vm = byId.get(ref);
    const named = byName.get(ref) ?? [];
    // The name of one VM may be the id of another: then the ref is ambiguous.
    return vm === undefined ? named : [vm, ...named.filter(({ id }) => id !== vm.id)];
  };
}

type Choices = Pick<PlanVm, keyof typeof vmChoices>;
/** A part of the plan that selects a VM, such as `select[1]`, with its settings for it. */
export interface Saying {
  readonly by: string;
  readonly choices: Choices;
}

const names = Object.keys(vmChoices) as readonly (keyof Choices)[];

/** The settings of an entry or a selector, without its criteria. */
export const choicesOf = (from: PlanVm | Selector): Choices =>
  Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])));

/** Settings that are merged key by key. */
const KEYED = ['labels', 'annotations'] as const;
const isKeyed = (name: string): name is (typeof KEYED)[number] => (KEYED as readonly string[]).includes(name);

/**
 * Merges all settings for one VM. Labels and annotations are merged by key.
 *
 * @returns in `conflicts`, in words, each setting with different values
 */
export function merged(sayings: readonly Saying[]): {
  readonly choices: Choices;
  readonly conflicts: readonly string[];
} {
  const conflicts = names.flatMap((name) => conflictsOf(sayings, name));
  const keyed = KEYED.flatMap((name) => {
    const all = Object.assign({}, ...sayings.map(({ choices }) => choices[name] ?? {}));
    return Object.keys(all).length === 0 ? [] : [[name, all] as const];
  });
  const choices: Choices = Object.assign({}, ...sayings.map((saying) => saying.choices));
  return { choices: { ...choices, ...Object.fromEntries(keyed) }, conflicts };
}

const inWords = (value: unknown): string =>
  typeof value === 'object' ? JSON.stringify(value) : String(value);

function conflictsOf(sayings: readonly Saying[], name: keyof Choices): readonly string[] {
  const said = sayings.flatMap(({ by, choices }) =>
    isKeyed(name)
      ? Object.entries(choices[name] ?? {}).map(([key, value]) => ({
          what: `${name.slice(0, -1)} ${key}`,
          by,
          value,
        }))
      : choices[name] === undefined
        ? []
        : [{ what: name, by, value: inWords(choices[name]) }],
  );
  return [...Map.groupBy(said, ({ what }) => what)].flatMap(([what, each]) =>
    new Set(each.map(({ value }) => value)).size < 2
      ? []
      : [`${what} is ${each.map(({ by, value }) => `${value} in ${by}`).join(' and ')}`],
  );
}
