import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { readEnvironment, readServiceConfig } from './config.js';

describe("a service's settings", () => {
  it('have a default for everything', () => {
    expect(readServiceConfig({})).toEqual({
      natsUrl: 'nats://127.0.0.1:4222',
      natsCreds: undefined,
      natsInbox: undefined,
      site: 'local',
      installation: 'ledgerlift',
      http: { host: '127.0.0.1', port: 0 },
      dataDir: 'ledgerlift-data',
      slots: 2,
      extensions: [],
      logLevel: 'info',
    });
  });

  it('count as not set when they are empty, as compose files leave them', () => {
    expect(readServiceConfig({ LEDGERLIFT_SLOTS: '', LEDGERLIFT_SITE: '' })).toMatchObject({
      slots: 2,
      site: 'local',
    });
  });

  it('take the port that a service has by default, and the one that is set over it', () => {
    expect(readServiceConfig({}, { httpPort: 8080 }).http.port).toBe(8080);
    expect(readServiceConfig({ LEDGERLIFT_HTTP_PORT: '9' }, { httpPort: 8080 }).http.port).toBe(9);
  });

  it('take the site of a pod', () => {
    expect(readServiceConfig({ LEDGERLIFT_SITE: 'local.vm-4f0c' }).site).toBe('local.vm-4f0c');
  });

  it('take a list of extensions', () => {
    expect(readServiceConfig({ LEDGERLIFT_EXTENSIONS: '/a.mjs, @b/c' }).extensions).toEqual([
      '/a.mjs',
      '@b/c',
    ]);
  });

  it.each([
    ['LEDGERLIFT_EXTENSIONS', '/a.mjs,,/b.mjs', 'absolute paths or packages'],
    ['LEDGERLIFT_SLOTS', 'many', 'a whole number from 1 to 256'],
    ['LEDGERLIFT_SLOTS', '0', 'a whole number from 1 to 256'],
    ['LEDGERLIFT_SITE', 'Berlin Mitte', 'lower case letters'],
    ['LEDGERLIFT_SITE', 'local.pod.more', 'for a worker pod {site}.{pod}'],
    ['LEDGERLIFT_SITE', 'local.*', 'for a worker pod {site}.{pod}'],
    ['LEDGERLIFT_NATS_INBOX', '_INBOX.>', 'such as _INBOX.mine'],
    ['LEDGERLIFT_INSTALLATION', 'my_installation', 'a DNS label'],
    ['LEDGERLIFT_HTTP_PORT', '70000', 'a port from 1 to 65535'],
    ['LEDGERLIFT_SANDBOX', 'require', 'if-available or required'],
    ['LEDGERLIFT_LOG_LEVEL', 'loud', 'one of fatal, error'],
    ['LEDGERLIFT_NATS_URL', '127.0.0.1', 'such as nats://127.0.0.1:4222'],
  ])('name the variable, its value and the way out when they are wrong: %s=%s', (variable, value, wayOut) => {
    expect(() => readServiceConfig({ [variable]: value })).toThrow(
      expect.objectContaining({ code: 'LL-SVC-001', variable, message: expect.stringContaining(wayOut) }),
    );
    expect(() => readServiceConfig({ [variable]: value })).toThrow(`${variable} is '${value}'`);
  });

  it('do not repeat the password of a URL', () => {
    expect(() => readServiceConfig({ LEDGERLIFT_NATS_URL: 'http://me:hunter2@host' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
  });

  it('say so when what must be set is not', () => {
    const schema = z.object({ LEDGERLIFT_SPEC: z.string().describe('anything') });
    expect(() => readEnvironment(schema, {})).toThrow('LEDGERLIFT_SPEC is not set; set it to anything');
  });
});
