import { describe, expect, it } from '@jest/globals';
import { childEnvironment, readConverterSettings } from './config.js';

describe("the converter's settings", () => {
  it('have defaults for everything', () => {
    expect(readConverterSettings({})).toMatchObject({
      command: 'virt-v2v-in-place',
      timeoutMs: 7_200_000,
      trace: 'off',
    });
  });

  it.each([
    ['LEDGERLIFT_V2V_TIMEOUT_S', 'soon'],
    ['LEDGERLIFT_V2V_TIMEOUT_S', '0'],
    ['LEDGERLIFT_V2V_TRACE', 'yes'],
    ['LEDGERLIFT_SCRATCH_DIR', 'relative'],
  ])('name %s when it is %s', (variable, value) => {
    expect(() => readConverterSettings({ [variable]: value })).toThrow(
      expect.objectContaining({ code: 'LL-SVC-001', variable }),
    );
  });
});

describe('the environment of virt-v2v', () => {
  it('passes the variables of libguestfs, which override our default', () => {
    expect(childEnvironment({ PATH: '/bin', SUPERMIN_KERNEL: '/k' })).toMatchObject({
      PATH: '/bin',
      SUPERMIN_KERNEL: '/k',
      LIBGUESTFS_BACKEND: 'direct',
    });
    expect(childEnvironment({ LIBGUESTFS_BACKEND: 'libvirt' })['LIBGUESTFS_BACKEND']).toBe('libvirt');
  });

  it('has none of our variables, and no other language', () => {
    const env = childEnvironment({
      LEDGERLIFT_NATS_CREDS: '/secret',
      NATS_TOKEN: 'x',
      LANG: 'de_DE',
      LC_ALL: 'de_DE',
    });
    expect(Object.keys(env).sort()).toEqual(['HOME', 'LC_ALL', 'LIBGUESTFS_BACKEND']);
    expect(env['LC_ALL']).toBe('C.UTF-8');
  });
});
