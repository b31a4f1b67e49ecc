import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { vmRecord } from '@ledgerlift/testing';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { targetOf } from '../registry.js';
import { openVmFolder } from './index.js';

let root: string;
const target = targetOf('directory');
const settings = (path: string) => ({ ...vmRecord().target.settings, path });

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ledgerlift-check-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('a directory target', () => {
  it('is ready where the folder is there, or can be made', async () => {
    expect(await target.check(settings(root))).toEqual([]);
    expect(await target.check(settings(join(root, 'a/b')))).toEqual([]);
  });

  it('is not ready at a file, or below one', async () => {
    writeFileSync(join(root, 'file'), '');
    const reasons = async (path: string) => (await target.check(settings(path))).map(({ reason }) => reason);
    expect(await reasons(join(root, 'file'))).toEqual(['NotAFolder']);
    expect(await reasons(join(root, 'file/below'))).toEqual(['NotWritable']);
  });

  it('says when there is not enough room, for all VMs together', async () => {
    const huge = { disks: [{ size: 2 ** 50, unpacked: 'read-in-place' }], conversion: 'converted' } as const;
    const small = { disks: [{ size: 512, unpacked: 'read-in-place' }], conversion: 'converted' } as const;
    expect(await target.checkRoom(settings(root), [small, small])).toEqual([]);
    expect(await target.checkRoom(settings(root), [small, huge])).toMatchObject([
      { category: 'Critical', type: 'TargetRoomNotEnough', items: [root] },
    ]);
  });

  it('says which names are taken, and by whom', async () => {
    await openVmFolder(vmRecord({ root }));
    mkdirSync(join(root, 'default/db'));
    const names = ['web', 'db', 'free'].map((targetName) => ({ namespace: 'default', targetName }));
    const conditions = await target.checkNames(settings(root), names);
    expect(conditions.map(({ type, items }) => [type, items])).toEqual([
      ['VMAlreadyExists', ['web']],
      ['VMAlreadyExists', ['db']],
    ]);
    expect(conditions[0]?.message).toContain('VM 0 of migration m1');
    expect(conditions[1]?.message).toContain('not made by Ledgerlift');
  });
});
