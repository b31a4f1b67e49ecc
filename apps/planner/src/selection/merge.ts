import type { PlanVm, Selector } from '@ledgerlift/contracts';
import { vmChoices } from '@ledgerlift/contracts';

type Choices = Pick<PlanVm, keyof typeof vmChoices>;
/** What means a VM, such as `select[1]`, and what it says of it. */
export interface Saying {
  readonly by: string;
  readonly choices: Choices;
}

const names = Object.keys(vmChoices) as readonly (keyof Choices)[];

/** What an entry or a selector says of its VMs, without what picks them. */
export const choicesOf = (from: PlanVm | Selector): Choices =>
  Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])));

/** Of these, each key is said by itself. */
const KEYED = ['labels', 'annotations'] as const;
const isKeyed = (name: string): name is (typeof KEYED)[number] => (KEYED as readonly string[]).includes(name);

/**
 * All that is said of one VM, put together. Labels and annotations are put together, too.
 *
 * @returns in `conflicts` each setting of which different things are said, in words
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
