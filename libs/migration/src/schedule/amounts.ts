/** What somebody needs of something that is limited. */
export interface Need {
  /** A place is one of a number; of a size somebody may need more than others. */
  readonly of: 'place' | 'size';
  readonly key: string;
  readonly amount: number;
  readonly limit: number;
  /** Why it must wait, in words, where so much is in use. */
  readonly reason: (used: number) => string;
}

/** How much of what is in use. */
export class Amounts {
  readonly #used = new Map<string, number>();

  of(key: string): number {
    return this.#used.get(key) ?? 0;
  }

  change(key: string, by: number): void {
    const used = this.of(key) + by;
    if (used === 0) this.#used.delete(key);
    else this.#used.set(key, used);
  }

  /** What there is not enough of. A need that is larger than its whole limit fits when nothing else is in it. */
  lacking(needs: readonly Need[]): readonly Need[] {
    return needs.filter(({ key, amount, limit }) => {
      const used = this.of(key);
      return amount > 0 && used + amount > limit && (used > 0 || limit === 0);
    });
  }

  /** Whether both fit together with what is in use, as far as they need the same. */
  leavesRoom(needs: readonly Need[], kept: readonly Need[]): boolean {
    return kept.every(({ key, amount, limit }) => {
      const taken = needs.find((need) => need.key === key)?.amount ?? 0;
      return taken === 0 || amount === 0 || this.of(key) + taken + amount <= limit;
    });
  }
}
