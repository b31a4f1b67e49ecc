import { afterAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lstat, readFile } from 'node:fs/promises';
import { temporaryFolder } from '../temporary-folder.js';
import { withFixedCid } from './honest-parts.js';
import { mutatedOvas, writeHostileOvas } from './index.js';

const folder = temporaryFolder('hostile');
afterAll(() => folder.remove());

async function digests(count: number, seed: number): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { path } of mutatedOvas(folder.path, { count, seed }))
    found.push(
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
    );
  return found;
}

describe('hostile OVAs', () => {
  it('are all there, each under a name of its own', async () => {
    const ovas = await writeHostileOvas(folder.path);
    expect(ovas.length).toBeGreaterThan(70);
    expect(new Set(ovas.map(({ name }) => name)).size).toBe(ovas.length);
    for (const { path } of ovas) await expect(lstat(path)).resolves.toBeDefined();
  });
});

describe('the disk of an honest OVA', () => {
  it.each(['0', 'a1', '0123abc', 'deadbeef'])('is the same with the CID %s', (cid) => {
    const descriptor = (written: string): string =>
      `KDMV...# Disk DescriptorFile\nversion=1\nCID=${written}\nparentCID=ffffffff\n`.padEnd(512, '\0') +
      'grains';
    expect(withFixedCid(descriptor(cid))).toBe(descriptor('1edbe11f'));
  });
});

describe('mutated OVAs', () => {
  it('differ from one another, and are the same again for the same seed', async () => {
    const first = await digests(60, 4);
    expect(new Set(first).size).toBeGreaterThan(55);
    expect(await digests(60, 4)).toEqual(first);
    expect(await digests(60, 5)).not.toEqual(first);
  });

  it('are gone after their turn', async () => {
    const paths: string[] = [];
    for await (const { path } of mutatedOvas(folder.path, { count: 3 })) {
      expect(existsSync(path)).toBe(true);
      paths.push(path);
      if (paths.length === 2) break;
    }
    expect(paths.some((path) => existsSync(path))).toBe(false);
  });
});
