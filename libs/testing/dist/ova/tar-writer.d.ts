export interface BytesEntry {
    readonly name: string;
    readonly bytes: Buffer;
}
/** An entry of a tar, from a file or from bytes, or a link. Nothing about a name is checked: tests need the worst. */
export type TarEntry = {
    readonly name: string;
    readonly file: string;
} | BytesEntry | {
    readonly name: string;
    readonly link: string;
    readonly kind: 'symlink' | 'hardlink';
}
/** A header that claims a size, and nothing after it. */
 | {
    readonly name: string;
    readonly claimedSize: number;
};
/** Writes a ustar archive (POSIX.1-1988), as OVF demands it (DSP0243, "Distribution"). */
export declare function writeTar(path: string, entries: readonly TarEntry[]): Promise<void>;
/** The same archive as bytes, from entries that are in memory. */
export declare function tarBytes(entries: readonly BytesEntry[]): Buffer;
//# sourceMappingURL=tar-writer.d.ts.map