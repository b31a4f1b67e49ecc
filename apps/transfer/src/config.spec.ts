import { describe, expect, it } from '@jest/globals';
import { readTransferSettings } from './config.js';

describe('the settings of the transfer service', () => {
  it('are all optional; without a hooks folder no command runs', () => {
    expect(readTransferSettings({})).toMatchObject({ disksAtOnce: 4, hooks: { hooksFolder: undefined } });
  });

  it('require absolute paths of folders', () => {
    expect(() => readTransferSettings({ LEDGERLIFT_HOOKS_DIR: 'hooks' })).toThrow(/LEDGERLIFT_HOOKS_DIR/);
  });

  it('give commands PATH and our variables, but none that lead to credentials', () => {
    const { environment } = readTransferSettings({
      PATH: '/bin',
      HOME: '/root',
      LEDGERLIFT_SITE: 'edge',
      LEDGERLIFT_NATS_URL: 'nats://me:hunter2@nats',
      LEDGERLIFT_NATS_CREDS: '/creds',
      LEDGERLIFT_SECRETS_DIR: '/secrets',
      LEDGERLIFT_LOG_URL: 'postgres://me:hunter2@db',
    }).hooks;
    expect(environment).toEqual({ PATH: '/bin', LEDGERLIFT_SITE: 'edge' });
  });
});
