import { writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { ProviderSpec } from '@ledgerlift/contracts';
import { loadedProvider, sourceProvider } from '@ledgerlift/providers';
import { extensionModule, temporaryFolder } from '@ledgerlift/testing';
import { assertTaken, loadExtensions } from './index.js';

const folder = temporaryFolder('extensions');
afterAll(() => folder.remove());

const extension = (type: string, change = ''): string => extensionModule(folder, type, change);
const specOf = (type: `x-${string}`, settings: Record<string, unknown> = { room: 1 }): ProviderSpec => ({
  name: 'toys',
  type,
  sites: ['local'],
  settings,
});

describe('an extension', () => {
  it('is a provider like any other once it is loaded, and takes its own settings', async () => {
    expect(sourceProvider('x-there')).toBeUndefined();
    await loadExtensions([extension('x-there')]);
    expect(await sourceProvider('x-there')?.check(specOf('x-there'))).toEqual([]);
    expect(() => assertTaken(specOf('x-there'))).not.toThrow();
    expect(() => assertTaken(specOf('x-there', {}))).toThrow(
      expect.objectContaining({ code: 'LL-EXT-003', field: 'settings.room' }),
    );
  });

  it('that is not loaded is refused naming the setting', () => {
    expect(() => loadedProvider('x-missing')).toThrow(
      expect.objectContaining({
        code: 'LL-EXT-002',
        field: 'type',
        message: expect.stringMatching(/'x-missing'.*LEDGERLIFT_EXTENSIONS/),
      }),
    );
    expect(() => assertTaken(specOf('x-missing'))).toThrow(expect.objectContaining({ code: 'LL-EXT-002' }));
    expect(loadedProvider('directory')).toBeUndefined();
  });

  it.each([
    ['that is not there', () => folder.file('none.mjs'), 'cannot be loaded'],
    ['by a path that is not absolute', () => './here.mjs', 'no absolute path'],
    ['without anything', () => folder.file('empty.mjs'), 'has neither providers nor targets'],
    ['whose type has no x-', () => extension('lab'), 'providers.0.type: '],
    [
      'whose provider lacks what is called of it',
      () => extension('x-a', 'diskAccess: 1'),
      'providers.0.diskAccess: ',
    ],
    [
      'whose provider needs a variable without a schema',
      () => extension('x-c', `requirements: { variables: { ROOM: 1 }, look() {}, report() {} }`),
      'requirements.variables.ROOM: is no schema',
    ],
    ['whose provider has no schema', () => extension('x-b', 'settings: {}'), 'providers.0.settings: '],
  ])('%s is refused naming setting, module and way out', async (_what, path, reason) => {
    writeFileSync(folder.file('empty.mjs'), 'export const others = [];');
    const module = path();
    await expect(loadExtensions([module])).rejects.toMatchObject({
      code: 'LL-EXT-001',
      field: 'LEDGERLIFT_EXTENSIONS',
      message: expect.stringContaining(reason),
      module,
    });
    await expect(loadExtensions([module])).rejects.toThrow(/leave it empty/);
  });

  it('of a type that another module has is refused', async () => {
    const [one, two] = [extension('x-twice'), extension('x-twice', 'second: 1')];
    await expect(loadExtensions([one, two])).rejects.toThrow(`'${two}', whose 'x-twice' is one of '${one}'`);
  });
});
