/**
 * Bytes that look random and are the same for the same seed: xorshift32, a word at a time. Not for secrets.
 *
 * @param seed any integer; 0 is taken as 1
 */
export function seededBytes(seed) {
    let state = seed | 0 || 1;
    return (length) => {
        const words = new Uint32Array(Math.ceil(length / 4));
        for (let i = 0; i < words.length; i++) {
            state ^= state << 13;
            state ^= state >>> 17;
            state ^= state << 5;
            words[i] = state;
        }
        return Buffer.from(words.buffer, 0, length);
    };
}
/** A number of [0, below) for each call, the same row of them for the same seed. */
export function seededChoice(seed) {
    const bytes = seededBytes(seed);
    return (below) => bytes(4).readUInt32LE() % below;
}
//# sourceMappingURL=random-bytes.js.map