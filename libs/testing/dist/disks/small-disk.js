import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { seededBytes, seededChoice } from './random-bytes.js';
const MIB = 1024 * 1024;
/**
 * Makes a sparse raw disk: pieces of random-looking data among holes, its first and last pieces data when any is.
 *
 * @returns the SHA-256 of all its bytes, in hex
 */
export async function makeSmallDisk(path, options = {}) {
    const { size = 8 * MIB, seed = 1, filled = 0.5, piece = 64 * 1024, zeros = 0 } = options;
    const bytes = seededBytes(seed);
    const choose = seededChoice(seed + 1);
    const chance = (share) => choose(1_000_000) < share * 1_000_000;
    const file = await open(path, 'w');
    try {
        await file.truncate(size);
        for (let at = 0; at < size; at += piece) {
            const length = Math.min(piece, size - at);
            const edge = filled > 0 && (at === 0 || at + piece >= size);
            if (edge || chance(filled))
                await file.write(bytes(length), 0, length, at);
            else if (chance(zeros))
                await file.write(Buffer.alloc(length), 0, length, at);
        }
    }
    finally {
        await file.close();
    }
    return sha256OfFile(path);
}
/** SHA-256 of a file's bytes, in hex; holes count as the zeros that they read as. */
export async function sha256OfFile(path) {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(path, { highWaterMark: MIB }))
        hash.update(chunk);
    return hash.digest('hex');
}
//# sourceMappingURL=small-disk.js.map