import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Resource } from '@ledgerlift/contracts';
import { targetOf } from '@ledgerlift/targets';
import { converted, type TemporaryFolder, temporaryFolder } from '@ledgerlift/testing';
import { ResultMissing } from '../errors.js';
import { attemptAt, openPlace, vmOf } from '../spec/job.js';
import { cleanup } from './cleanup.js';
import { virtualMachineCreation } from './target-power.js';

let temporary: TemporaryFolder;
let root: string;
beforeEach(() => {
  temporary = temporaryFolder('vm-creator');
  root = temporary.path;
});
afterEach(() => temporary.remove());

const record = () => vmOf({ root, disks: 2, settings: { skipGuestConversion: false } });

describe('VirtualMachineCreation', () => {
  it('writes its claimed files, and the same ones again', async () => {
    await openPlace(record());
    const attempt = attemptAt('VirtualMachineCreation', record(), { results: [converted] });
    const result = await virtualMachineCreation(attempt);
    const claimed = targetOf('directory')
      .claimsFor(record())
      .VirtualMachineCreation.map(({ name }) => name);
    expect(result).toEqual({ step: 'VirtualMachineCreation', files: expect.arrayContaining(claimed) });
    const contents = claimed.map((name) => readFileSync(join(root, name), 'utf8'));
    expect(contents[0]).toContain('bus: virtio');
    expect(contents.at(-1)).toContain(`<source file="${join(root, 'default/web/web-disk-1.raw')}"/>`);
    expect(await virtualMachineCreation(attempt)).toEqual(result);
    expect(claimed.map((name) => readFileSync(join(root, name), 'utf8'))).toEqual(contents);
  });

  it('does not guess the result of an unreported conversion', async () => {
    await openPlace(record());
    const attempt = attemptAt('VirtualMachineCreation', record());
    await expect(virtualMachineCreation(attempt)).rejects.toThrow(ResultMissing);
  });

  it('writes no manifest for missing disks', async () => {
    const attempt = attemptAt('VirtualMachineCreation', record(), { results: [converted] });
    await expect(virtualMachineCreation(attempt)).rejects.toMatchObject({ code: 'LL-TGT-005' });
    expect(existsSync(join(root, 'default'))).toBe(false);
  });
});

describe('Cleanup', () => {
  const manifest = (name: string, over: Partial<Resource> = {}): Resource => ({
    kind: 'manifest',
    name: `default/web/manifests/${name}`,
    service: 'vm-creator',
    lifetime: 'result',
    ...over,
  });

  it('removes exactly the released resources, and reports absent ones', async () => {
    await openPlace(record());
    await virtualMachineCreation(attemptAt('VirtualMachineCreation', record(), { results: [converted] }));
    const foreign = manifest('pvc-0.yaml', { service: 'transfer' });
    const release = [manifest('vm.yaml'), manifest('gone.yaml'), foreign];
    const attempt = attemptAt('Cleanup', record(), { release });
    expect(await cleanup(attempt)).toEqual({ step: 'Cleanup' });
    expect(attempt.releases.map(({ resource, how }) => [resource.name.split('/').at(-1), how])).toEqual([
      ['vm.yaml', 'removed'],
      ['gone.yaml', 'absent'],
    ]);
    expect(existsSync(join(root, foreign.name))).toBe(true);
    expect(existsSync(join(root, 'default/web/manifests/domain.xml'))).toBe(true);
  });

  it('removes the others if one cannot be removed, then fails', async () => {
    await openPlace(record());
    const path = join(root, 'default/web');
    mkdirSync(join(path, 'manifests/odd.yaml'), { recursive: true });
    writeFileSync(join(path, 'manifests/vm.yaml'), '');
    const release = [manifest('odd.yaml'), manifest('vm.yaml')];
    const attempt = attemptAt('Cleanup', record(), { release });
    await expect(cleanup(attempt)).rejects.toMatchObject({ code: 'LL-TGT-002' });
    expect(attempt.releases).toHaveLength(1);
    expect(existsSync(join(path, 'manifests/vm.yaml'))).toBe(false);
  });
});
