/** Chance from a seed (mulberry32): the same seed gives the same history. */
export declare class Chance {
    #private;
    readonly seed: number;
    constructor(seed: number);
    /** In [0, 1). */
    next(): number;
    below(limit: number): number;
    /** True once in `times`. */
    once(times: number): boolean;
    pick<T>(of: readonly T[]): T;
    /** One of the entries, each as likely as its weight. */
    weighted<T>(of: readonly (readonly [weight: number, value: T])[]): T;
}
//# sourceMappingURL=chance.d.ts.map