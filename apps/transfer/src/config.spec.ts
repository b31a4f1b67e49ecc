import { describe, expect, it } from '@jest/globals';
import { readTransferSettings } from './config.js';

describe('the settings of the transfer service', () => {
  it('are all optional; without a folder of hooks no command is run', () => {
    expect(readTransferSettings({})).toMatchObject({ disksAtOnce: 4, hooks: { hooksFolder: undefined } });
  });

  it('name folders by their absolute paths', () => {
    expect(() => readTransferSettings({ LEDGERLIFT_HOOKS_DIR: 'hooks' })).toThrow(/LEDGERLIFT_HOOKS_DIR/);
  });

  it('give commands the path and our variables, but no way to a credential', () => {
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
