import { Chance as SeededChance } from '@ledgerlift/testing';

/** Chance that always falls the same way for the same seed and run. */
export class Chance extends SeededChance {
  constructor(seed: number, run: number) {
    // Neighbouring runs must not have neighbouring states.
    super(Math.imul(seed, 0x9e3779b1) ^ Math.imul(run + 1, 0x85ebca6b));
    for (let skipped = 0; skipped < 4; skipped += 1) this.next();
  }

  /** A whole number, both ends included. */
  from(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  is(share: number): boolean {
    return this.next() < share;
  }

  /** One of the names, as often as its weight says. */
  among<T extends string>(weights: Readonly<Partial<Record<T, number>>>): T {
    return this.weighted((Object.entries(weights) as [T, number][]).map(([name, weight]) => [weight, name]));
  }
}
