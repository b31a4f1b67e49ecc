import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { VmSettings } from '@ledgerlift/contracts';
import { temporaryFolder } from '@ledgerlift/testing';
import { luksKeysOf } from './luks-keys.js';

const UUID = '6d6af5bd-a4ab-4ae3-9b45-2c5e3a09e9dd';
const folder = temporaryFolder('luks');
const before = process.env['LEDGERLIFT_SECRETS_DIR'];
beforeAll(() => {
  process.env['LEDGERLIFT_SECRETS_DIR'] = folder.path;
});
afterAll(async () => {
  if (before === undefined) delete process.env['LEDGERLIFT_SECRETS_DIR'];
  else process.env['LEDGERLIFT_SECRETS_DIR'] = before;
  await folder.remove();
});
let number = 0;
let name = '';
afterEach(() => {
  number += 1;
});
async function secretOf(keys: Readonly<Record<string, string>>): Promise<string> {
  name = `secret-${number}`;
  await mkdir(join(folder.path, name));
  for (const [key, value] of Object.entries(keys)) await writeFile(join(folder.path, name, key), value);
  return name;
}
const keysOf = (luks: unknown) => luksKeysOf({ settings: VmSettings.parse({ luks }) });

describe('keys of encrypted disks', () => {
  it('are passed to the tool in files, and never in its arguments', async () => {
    const secret = await secretOf({ [UUID.toUpperCase()]: 'hunter2\n', '..data': 'of Kubernetes' });
    expect(await keysOf({ secret: { name: secret } })).toEqual({
      arguments: ['--key', `${UUID}:file:luks-${UUID}`],
      files: { [`luks-${UUID}`]: 'hunter2' },
    });
  });

  it('may come from Clevis', async () => {
    expect(await keysOf({ clevis: [UUID] })).toEqual({ arguments: ['--key', `${UUID}:clevis`], files: {} });
  });

  it('must name their device', async () => {
    const secret = await secretOf({ root: 'hunter2' });
    await expect(keysOf({ secret: { name: secret } })).rejects.toMatchObject({
      code: 'LL-CONV-042',
      failure: 'needs-operator',
      message: expect.not.stringContaining('hunter2'),
    });
  });

  it('must exist', async () => {
    await expect(keysOf({ secret: { name: 'absent' } })).rejects.toMatchObject({ code: 'LL-SEC-001' });
  });

  it('are empty if the plan names none', async () => {
    expect(await keysOf(undefined)).toEqual({ arguments: [], files: {} });
  });
});
