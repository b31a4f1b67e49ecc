/** Chance from a seed (mulberry32): the same seed gives the same history. */
export class Chance {
    seed;
    #state;
    constructor(seed) {
        this.seed = seed;
        this.#state = seed >>> 0;
    }
    /** In [0, 1). */
    next() {
        this.#state = (this.#state + 0x6d2b79f5) >>> 0;
        let mixed = this.#state;
        mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    }
    below(limit) {
        return Math.floor(this.next() * limit);
    }
    /** True once in `times`. */
    once(times) {
        return this.below(times) === 0;
    }
    pick(of) {
        const picked = of[this.below(of.length)];
        if (picked === undefined)
            throw new RangeError('there is nothing to pick from');
        return picked;
    }
    /** One of the entries, each as likely as its weight. */
    weighted(of) {
        let rest = this.next() * of.reduce((sum, [weight]) => sum + weight, 0);
        for (const [weight, value] of of) {
            rest -= weight;
            if (rest < 0)
                return value;
        }
        return this.pick(of)[1];
    }
}
//# sourceMappingURL=chance.js.map