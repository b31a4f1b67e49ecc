/**
 * Bytes that look random and are the same for the same seed: xorshift32, a word at a time. Not for secrets.
 *
 * @param seed any integer; 0 is taken as 1
 */
export declare function seededBytes(seed: number): (length: number) => Buffer;
/** A number of [0, below) for each call, the same row of them for the same seed. */
export declare function seededChoice(seed: number): (below: number) => number;
//# sourceMappingURL=random-bytes.d.ts.map