import type { Condition } from '@ledgerlift/contracts';
import { sourceProvider } from '@ledgerlift/providers';
import type { PlanFacts } from '../plan-facts.js';

/** What its kind of source says of the plan. */
export function checkOfSource({ source, ...facts }: PlanFacts): readonly Condition[] {
  if (source === undefined) return [];
  return sourceProvider(source.spec.type)?.planConditions?.({ ...facts, source }) ?? [];
}
