import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type TemporaryFolder, temporaryFolder } from '@ledgerlift/testing';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { type FileToVerify, verifyFiles } from './digests.js';

let folder: TemporaryFolder;
beforeAll(() => {
  folder = temporaryFolder('digests');
});
afterAll(() => folder.remove());

it('a file is read once, however many names a manifest has for it', async () => {
  const file = folder.file('disk');
  await writeFile(file, 'content');
  const entry = (name: string, content: string): FileToVerify => ({
    name,
    digest: { algorithm: 'sha256', hex: createHash('sha256').update(content).digest('hex') },
    at: { file, offset: 0, length: 7 },
  });
  const many = Array.from({ length: 1000 }, (_, index) => entry(`disk-${index}`, 'another'));
  const problems = await verifyFiles([entry('disk', 'content'), ...many], 'web');
  expect(problems).toMatchObject([{ item: 'web', code: 'LL-OVA-009' }]);
});
