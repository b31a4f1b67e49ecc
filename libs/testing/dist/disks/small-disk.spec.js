import { afterAll, describe, expect, it } from '@jest/globals';
import { readFile, stat } from 'node:fs/promises';
import { temporaryFolder } from '../temporary-folder.js';
import { makeSmallDisk } from './index.js';
const folder = temporaryFolder('small-disk');
afterAll(() => folder.remove());
describe('a small disk', () => {
    it('is the same for the same seed, and another for another', async () => {
        const first = await makeSmallDisk(folder.file('a'), { seed: 7 });
        expect(await makeSmallDisk(folder.file('b'), { seed: 7 })).toBe(first);
        expect(await makeSmallDisk(folder.file('c'), { seed: 8 })).not.toBe(first);
    });
    it('has holes, and data at both ends, also with a size that no piece divides', async () => {
        const size = 4 * 1024 * 1024 + 512;
        await makeSmallDisk(folder.file('odd'), { size, filled: 0.3 });
        const { blocks, size: seen } = await stat(folder.file('odd'));
        expect(seen).toBe(size);
        expect(blocks * 512).toBeLessThan(size * 0.7);
        const bytes = await readFile(folder.file('odd'));
        expect(bytes.subarray(0, 16).equals(Buffer.alloc(16))).toBe(false);
        expect(bytes.subarray(-16).equals(Buffer.alloc(16))).toBe(false);
    });
});
//# sourceMappingURL=small-disk.spec.js.map