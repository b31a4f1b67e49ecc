import type { Condition } from '@ledgerlift/contracts';

/** One line a condition, the gravest first. */
export function conditionLines(conditions: readonly Condition[]): readonly string[] {
  const order = ['Critical', 'Error', 'Warn', 'Advisory'];
  return conditions
    .toSorted((a, b) => order.indexOf(a.category) - order.indexOf(b.category))
    .map(({ category, type, message }) => `${category.padEnd(8)}  ${type}: ${message}`);
}
