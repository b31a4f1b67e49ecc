import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../cache-folder.js';
import { PeerFailed } from '../errors.js';
const recipe = join(import.meta.dirname, '..', '..', 'guest');
const SIZE_MIB = 384;
/** What the guest is, for those who log in or look at its console. */
export const guest = {
    hostname: 'guest',
    user: 'root',
    password: 'v2v',
    sizeBytes: SIZE_MIB * 1024 * 1024,
};
/**
 * Path of the tests' guest: a bootable Debian with VMware's devices, as a raw disk. Built when this recipe's is not
 * in the cache (about a minute); processes that ask at the same time wait for one build. Never write to it: copy it.
 *
 * @throws PeerFailed with the build's output when it fails
 */
export async function guestImage() {
    const folder = cacheFolder('guest', await recipeHash());
    const image = join(folder, 'guest.raw');
    if (existsSync(image))
        return image;
    await mkdir(folder, { recursive: true });
    const script = '[[ -e $2 ]] || bash "$1" "$2" "$3"';
    const args = [join(folder, 'lock'), 'bash', '-c', script, 'bash', join(recipe, 'build-guest.sh'), image];
    try {
        // The kernel frees a flock when its holder dies, so a build that was killed blocks nobody.
        await promisify(execFile)('flock', [...args, String(SIZE_MIB)], { maxBuffer: 64 * 1024 * 1024 });
    }
    catch (error) {
        const { stdout = '', stderr = '' } = error;
        throw new PeerFailed('the guest', 'could not be built', `${stdout}\n${stderr}`.trim().split('\n'));
    }
    return image;
}
async function recipeHash() {
    const hash = createHash('sha256').update(`${SIZE_MIB}\n`);
    const entries = await readdir(recipe, { recursive: true, withFileTypes: true });
    const files = entries
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name));
    for (const file of files.sort())
        hash.update(file.slice(recipe.length)).update(await readFile(file));
    return hash.digest('hex').slice(0, 16);
}
//# sourceMappingURL=guest-image.js.map