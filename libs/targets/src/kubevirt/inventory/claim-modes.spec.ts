import { describe, expect, it } from '@jest/globals';
import { claimModes } from './claim-modes.js';
import type { StorageProfile } from './kinds.js';

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
