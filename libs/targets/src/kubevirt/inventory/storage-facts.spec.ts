import { describe, expect, it } from '@jest/globals';
import type { StorageProfile } from './kinds.js';
import { claimModes, quantity } from './storage-facts.js';

it.each([
  ['0', 0],
  ['8', 8],
  ['500m', 0.5],
  ['1.5', 1.5],
  ['64Mi', 64 * 2 ** 20],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['2k', 2000],
  ['3E', 3e18],
  ['1e3', 1000],
  ['12E2', 1200],
  ['', undefined],
  ['Gi', undefined],
  ['5 Gi', undefined],
  ['5gi', undefined],
])('the quantity %j is %p', (text, value) => {
  expect(quantity(text)).toBe(value);
});

const profile: StorageProfile = {
  name: 'fast',
  claimPropertySets: [
    { accessModes: ['ReadWriteOncePod'], volumeMode: 'Block' },
    { accessModes: ['ReadWriteMany', 'ReadWriteOnce'], volumeMode: 'Block' },
    { accessModes: ['ReadWriteOnce'], volumeMode: 'Filesystem' },
  ],
  minimumBytes: undefined,
};
const modes = (...of: Parameters<typeof claimModes>): string | undefined => {
  const found = claimModes(...of);
  return found && `${found.accessMode} ${found.volumeMode}`;
};

describe('the modes of a claim', () => {
  it('are what the class prefers, of those that a migration can use', () =>
    expect(modes({}, profile)).toBe('ReadWriteMany Block'));

  it('are those that go with the one that is asked for', () => {
    expect(modes({ accessMode: 'ReadWriteOnce' }, profile)).toBe('ReadWriteOnce Block');
    expect(modes({ volumeMode: 'Filesystem' }, profile)).toBe('ReadWriteOnce Filesystem');
  });

  it('are what is asked for, though no profile says so', () =>
    expect(modes({ accessMode: 'ReadWriteOnce', volumeMode: 'Filesystem' }, undefined)).toBe(
      'ReadWriteOnce Filesystem',
    ));

  it('are not known where one is left out, and nothing that is offered goes with the other', () => {
    expect(modes({}, undefined)).toBeUndefined();
    expect(modes({ accessMode: 'ReadOnlyMany' }, profile)).toBeUndefined();
  });
});
