import type { PlanFacts } from '../plan-facts.js';

/** Facts for which it is raised, with its reason, and facts close to them for which it is not. */
export interface Case {
  readonly raised: PlanFacts;
  readonly reason: string;
  readonly items?: readonly string[];
  readonly not: PlanFacts;
}
