/** A folder of a test's own. */
export interface TemporaryFolder extends AsyncDisposable {
    readonly path: string;
    /** A path inside the folder. Creates nothing. */
    file(...names: readonly string[]): string;
    /** Removes the folder and all in it. May be called more than once. */
    remove(): Promise<void>;
}
/**
 * Makes an empty folder under the system's temporary one, removed by `remove()` or `await using`, and in any case
 * when this process ends.
 *
 * @param name shows in the folder's name, so that what was left over by a kill can be told apart
 */
export declare function temporaryFolder(name?: string): TemporaryFolder;
//# sourceMappingURL=temporary-folder.d.ts.map