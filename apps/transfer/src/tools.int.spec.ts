import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { withoutCoreDumps } from '@ledgerlift/processes';
import { type TemporaryFolder, temporaryFolder, vddkPlugin } from '@ledgerlift/testing';
import { readTransferSettings } from './config.js';
import { Tools } from './tools.js';

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder('tools');
});
afterEach(() => folder.remove());

const told = async (env: Record<string, string>) => {
  const tools = await new Tools(readTransferSettings(env)).told();
  return Object.fromEntries(tools.map((tool) => [tool.name, tool]));
};

describe('the tools of a transfer', () => {
  it('are VDDK loaded by nbdkit, curl and the hooks folder', async () => {
    const { plugin, libdir } = vddkPlugin();
    expect(
      await told({
        LEDGERLIFT_VDDK_DIR: libdir,
        LEDGERLIFT_VDDK_PLUGIN: plugin,
        LEDGERLIFT_HOOKS_DIR: folder.path,
      }),
    ).toEqual({
      vddk: { name: 'vddk', version: '8', path: libdir },
      'nbdkit-curl': { name: 'nbdkit-curl', version: null, path: 'curl' },
      hooks: { name: 'hooks', version: null, path: folder.path },
    });
  });

  it.each<[string, () => Record<string, string>, RegExp]>([
    ['it is not set', () => ({}), /LEDGERLIFT_VDDK_DIR is not set/],
    ['the folder has no library', () => ({ LEDGERLIFT_VDDK_DIR: folder.path }), /has no libvixDiskLib\.so/],
    [
      "nbdkit's plugin is not installed",
      () => ({ LEDGERLIFT_VDDK_DIR: vddkPlugin().libdir, LEDGERLIFT_VDDK_PLUGIN: '/not/there.so' }),
      /cannot load its plugin \/not\/there\.so/,
    ],
    [
      'the library is broken',
      () => {
        mkdirSync(join(folder.path, 'lib64'));
        writeFileSync(join(folder.path, 'lib64', 'libvixDiskLib.so.8'), 'no library');
        return { LEDGERLIFT_VDDK_DIR: folder.path, LEDGERLIFT_VDDK_PLUGIN: vddkPlugin().plugin };
      },
      /cannot be loaded: 'nbdkit .*' says why/,
    ],
  ])('have no VDDK if %s, and report it', async (_, env, problem) => {
    const { vddk } = await told(env());
    expect(vddk).toEqual({
      name: 'vddk',
      version: null,
      path: null,
      problem: expect.stringMatching(problem),
    });
  });
});

describe('a core dump', () => {
  it('of the worker is disabled', async () => {
    await withoutCoreDumps();
    expect(await readFile('/proc/self/limits', 'utf8')).toMatch(/Max core file size\s+0\s+0\s/);
  });
});
