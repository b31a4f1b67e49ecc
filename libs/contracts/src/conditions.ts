import { z } from 'zod';

/**
 * Critical: the plan cannot start. Error: something failed. Warn: check it; the plan can start. Advisory: good to
 * know.
 */
export const ConditionCategory = z.enum(['Critical', 'Error', 'Warn', 'Advisory']);
export type ConditionCategory = z.infer<typeof ConditionCategory>;

export const Condition = z.object({
  /** CamelCase name, such as `VMNetworksNotMapped`. */
  type: z.string(),
  category: ConditionCategory,
  reason: z.string(),
  message: z.string(),
  /** What it is about: VM names, networks, files. */
  items: z.array(z.string()),
  /** A durable condition stays forever, as a record of what happened. */
  durable: z.boolean(),
});
export type Condition = z.infer<typeof Condition>;

/** A kind of condition: how bad it is, when it is raised, and what to do. */
export interface ConditionType {
  readonly category: ConditionCategory;
  readonly when: string;
  readonly wayOut: string;
}
/** Condition types by their names. */
export type ConditionCatalogue<Name extends string = string> = Readonly<Record<Name, ConditionType>>;

/** Makes a condition of one of the types of a catalogue. */
export type ConditionMaker<Name extends string> = (
  type: Name,
  reason: string,
  /** What was found, without a full stop. */
  message: string,
  /** What it is about: VM names, networks, files. */
  items: readonly string[],
) => Condition;

/** Makes conditions of a catalogue. The planner and each provider have one. */
export const conditionsOf =
  <Name extends string>(catalogue: ConditionCatalogue<Name>): ConditionMaker<Name> =>
  (type, reason, message, items) => {
    const { category, wayOut } = catalogue[type];
    return { type, category, reason, message: `${message}; ${wayOut}.`, items: [...items], durable: false };
  };

/** `web, db and 3 more` */
export function listed(items: readonly string[], most = 5): string {
  const shown = items.slice(0, most).join(', ');
  return items.length > most ? `${shown} and ${items.length - most} more` : shown;
}
