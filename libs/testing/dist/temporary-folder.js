import { mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
/**
 * Makes an empty folder under the system's temporary one, removed by `remove()` or `await using`, and in any case
 * when this process ends.
 *
 * @param name shows in the folder's name, so that what was left over by a kill can be told apart
 */
export function temporaryFolder(name = 'test') {
    const path = mkdtempSync(join(tmpdir(), `ledgerlift-${name}-`));
    const atExit = () => {
        rmSync(path, { recursive: true, force: true });
    };
    process.once('exit', atExit);
    const remove = async () => {
        process.removeListener('exit', atExit);
        // A killed process may still be closing its files: the removal is tried again instead of failing the test.
        await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    };
    return { path, file: (...names) => join(path, ...names), remove, [Symbol.asyncDispose]: remove };
}
//# sourceMappingURL=temporary-folder.js.map