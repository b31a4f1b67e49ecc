import { readFile, symlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder, type TemporaryFolder } from '@ledgerlift/testing';
import { BoundedLog } from './bounded-log.js';

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder('log');
});
afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});
const path = (): string => join(folder.path, 'virt-v2v.log');
const LIMIT = 1000;

describe('a conversion log', () => {
  it('holds a short attempt completely', async () => {
    const log = await BoundedLog.open(path(), LIMIT, 'attempt 1');
    log.write(Buffer.from('first\n'));
    log.write(Buffer.from('second\n'));
    await log.close();
    expect(await readFile(path(), 'utf8')).toBe('=== attempt 1\nfirst\nsecond\n');
  });

  it('keeps the beginning and end of a long one, and marks the gap', async () => {
    const log = await BoundedLog.open(path(), LIMIT, 'attempt 1');
    for (let line = 0; line < 1000; line += 1) log.write(Buffer.from(`line ${line}\n`));
    await log.close();
    const text = await readFile(path(), 'utf8');
    expect(text).toContain('line 0\n');
    expect(text).toContain('line 999\n');
    expect(text).toMatch(/=== \d+ bytes omitted here/);
    expect(text.length).toBeLessThan(LIMIT + 200);
  });

  it('keeps earlier attempts until they fill it', async () => {
    for (let attempt = 1; attempt <= 10; attempt += 1) {
      const log = await BoundedLog.open(path(), LIMIT, `attempt ${attempt}`);
      log.write(Buffer.alloc(LIMIT, 'x'));
      await log.close();
      expect((await stat(path())).size).toBeLessThan(3 * LIMIT + 500);
    }
    expect(await readFile(path(), 'utf8')).toContain('=== attempt 10');
  });

  it('is not written over a symbolic link', async () => {
    await symlink(join(folder.path, 'elsewhere'), path());
    await expect(BoundedLog.open(path(), LIMIT, 'attempt 1')).rejects.toMatchObject({ code: 'ELOOP' });
  });
});
