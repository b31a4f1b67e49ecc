import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { applianceEnvironment, temporaryFolder, type TemporaryFolder } from '@ledgerlift/testing';
import { readConverterSettings } from '../config.js';
import { toolCheck } from './tools.js';

const KERNEL = "a kernel for libguestfs' appliance";
let folder: TemporaryFolder;
const check = (env: Record<string, string>) =>
  toolCheck(() => readConverterSettings({ ...process.env, ...env }))();
const missing = async (env: Record<string, string>) =>
  (await check(env)).filter(({ path }) => path === null).map(({ name }) => name);

beforeEach(() => {
  folder = temporaryFolder('tools');
});
afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

describe('the tools of a conversion', () => {
  it('are found with their versions if installed', async () => {
    const tools = await check(applianceEnvironment());
    expect(tools.map(({ name }) => name)).toEqual([
      'virt-v2v-in-place',
      'qemu-img',
      'qemu-nbd',
      'nbdkit',
      'supermin',
      'guestfish',
      KERNEL,
    ]);
    expect(tools.every(({ path }) => path !== null)).toBe(true);
    expect(tools[0]).toMatchObject({
      path: expect.stringMatching(/^\//),
      version: expect.stringMatching(/^2\./),
    });
  });

  it('are reported as missing: virt-v2v-in-place', async () => {
    expect(await missing({ LEDGERLIFT_V2V_COMMAND: 'virt-v2v-not-there' })).toEqual(['virt-v2v-not-there']);
  });

  it('are reported as missing: helpers of virt-v2v', async () => {
    symlinkSync('/usr/bin/virt-v2v-in-place', join(folder.path, 'virt-v2v-in-place'));
    expect(await missing({ ...applianceEnvironment(), PATH: folder.path })).toEqual([
      'qemu-img',
      'qemu-nbd',
      'nbdkit',
      'supermin',
      'guestfish',
    ]);
  });

  it('are reported as missing: the kernel', async () => {
    expect(await missing({ ...applianceEnvironment(), SUPERMIN_KERNEL: '/not/there' })).toEqual([KERNEL]);
  });

  it('are few for a stand-in of virt-v2v', async () => {
    const stub = join(folder.path, 'stub');
    writeFileSync(stub, '#!/bin/sh\nexit 0\n');
    chmodSync(stub, 0o755);
    expect(await missing({ LEDGERLIFT_V2V_COMMAND: stub, SUPERMIN_KERNEL: '/not/there' })).toEqual([]);
  });

  it('are reported even if one of them hangs', async () => {
    const stub = join(folder.path, 'stub');
    writeFileSync(stub, '#!/bin/sh\nexec sleep infinity\n');
    chmodSync(stub, 0o755);
    const tools = await check({ LEDGERLIFT_V2V_COMMAND: stub });
    expect(tools[0]).toEqual({ name: stub, path: stub, version: null });
  });
});
