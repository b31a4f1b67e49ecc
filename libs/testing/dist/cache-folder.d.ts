/** The one folder for what is expensive to make and may be deleted at any time: LEDGERLIFT_CACHE or the default. */
export declare function cacheFolder(...names: readonly string[]): string;
//# sourceMappingURL=cache-folder.d.ts.map