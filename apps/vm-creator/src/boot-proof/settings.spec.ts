import { describe, expect, it } from '@jest/globals';
import { readBootSettings } from './settings.js';

describe('the settings of a boot proof', () => {
  it('have defaults', () =>
    expect(readBootSettings({})).toEqual({
      timeoutMs: 300_000,
      marker: undefined,
      accelerator: 'auto',
      memoryLimitMiB: 2048,
      ovmfDir: undefined,
    }));

  it('are read', () =>
    expect(
      readBootSettings({ LEDGERLIFT_BOOT_TIMEOUT_S: '60', LEDGERLIFT_BOOT_MARKER: 'up.$' }),
    ).toMatchObject({ timeoutMs: 60_000, marker: /up.$/m }));

  it.each([
    ['LEDGERLIFT_BOOT_TIMEOUT_S', '0'],
    ['LEDGERLIFT_BOOT_MARKER', '(unclosed'],
    ['LEDGERLIFT_BOOT_ACCEL', 'fast'],
    ['LEDGERLIFT_OVMF_DIR', 'relative'],
  ])('that are wrong are named: %s=%s', (name, value) =>
    expect(() => readBootSettings({ [name]: value })).toThrow(name),
  );
});
