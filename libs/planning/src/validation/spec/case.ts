import type { PlanFacts } from '../plan-facts.js';

/** Facts that raise a condition, with its reason, and similar facts that do not. */
export interface Case {
  readonly raised: PlanFacts;
  readonly reason: string;
  readonly items?: readonly string[];
  readonly not: PlanFacts;
}
