import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TemporaryFolder, temporaryFolder } from '@ledgerlift/testing';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { stat, utimes, writeFile } from 'node:fs/promises';
import { type FileToVerify, verifyFiles } from './digests.js';

let folder: TemporaryFolder;
beforeAll(() => {
  folder = temporaryFolder('digests');
});
afterAll(() => folder.remove());

const sha256 = (content: string | Buffer): FileToVerify['digest'] => ({
  algorithm: 'sha256',
  hex: createHash('sha256').update(content).digest('hex'),
});
/** Bytes that this process has read so far, from files or anything else (proc_pid_io(5)). */
const bytesRead = (): number => Number(/^rchar: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);

it('a file is read once, however many names a manifest has for it', async () => {
  const file = folder.file('disk');
  await writeFile(file, 'content');
  const entry = (name: string, content: string): FileToVerify => ({
    name,
    digest: sha256(content),
    at: { file, offset: 0, length: 7 },
  });
  const many = Array.from({ length: 1000 }, (_, index) => entry(`disk-${index}`, 'another'));
  const problems = await verifyFiles([entry('disk', 'content'), ...many], 'web');
  expect(problems).toMatchObject([{ item: 'web', code: 'LL-OVA-009' }]);
});

describe('a file that several VMs share', () => {
  const MiB = 2 ** 20;
  const content = Buffer.alloc(64 * MiB, 'x');

  it('is read once for all of them, and again when it was replaced', async () => {
    const file = folder.file('shared');
    await writeFile(file, content);
    const entry = {
      name: 'shared',
      digest: sha256(content),
      at: { file, offset: 0, length: content.length },
    };
    const before = bytesRead();
    const found = await Promise.all(Array.from({ length: 20 }, (_, vm) => verifyFiles([entry], `vm-${vm}`)));
    expect(found.flat()).toEqual([]);
    expect(bytesRead() - before).toBeLessThan(2 * content.length);

    const { atime, mtime } = await stat(file);
    await writeFile(file, Buffer.alloc(content.length, 'y'));
    await utimes(file, atime, mtime);
    for (const item of ['vm-0', 'vm-1'])
      expect(await verifyFiles([entry], item)).toMatchObject([{ item, code: 'LL-OVA-009' }]);
  });

  it('is read again when it could not be read before', async () => {
    const file = folder.file('late');
    const entry = { name: 'late', digest: sha256('content'), at: { file, offset: 0, length: 7 } };
    expect(await verifyFiles([entry], 'web')).toHaveLength(1);
    await writeFile(file, 'content');
    expect(await verifyFiles([entry], 'web')).toEqual([]);
  });
});
