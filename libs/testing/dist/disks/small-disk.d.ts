export interface SmallDisk {
    /** In bytes. 8 MiB by default. */
    readonly size?: number;
    /** What its bytes are made from: the same seed makes the same disk. */
    readonly seed?: number;
    /** Share of its pieces that hold data, from 0 to 1. One half by default; the others are holes. */
    readonly filled?: number;
    /** Size of a piece. 64 KiB by default. */
    readonly piece?: number;
    /** Share of the empty pieces that are written as zeros instead of left as holes. None by default. */
    readonly zeros?: number;
}
/**
 * Makes a sparse raw disk: pieces of random-looking data among holes, its first and last pieces data when any is.
 *
 * @returns the SHA-256 of all its bytes, in hex
 */
export declare function makeSmallDisk(path: string, options?: SmallDisk): Promise<string>;
/** SHA-256 of a file's bytes, in hex; holes count as the zeros that they read as. */
export declare function sha256OfFile(path: string): Promise<string>;
//# sourceMappingURL=small-disk.d.ts.map