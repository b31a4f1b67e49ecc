import { describe, expect, it } from '@jest/globals';
import { createLogger, NestLogger } from './logger.js';

function capture() {
  const lines: string[] = [];
  const logger = createLogger('spec', 'info', { write: (line) => void lines.push(line) });
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? '') as Record<string, unknown> };
}

describe('the log', () => {
  it('is one JSON object a line, with the service, the level by name and the time', () => {
    const { logger, last } = capture();
    logger.info({ stream: 'vm-m1-0' }, 'hello');
    expect(last()).toMatchObject({ service: 'spec', level: 'info', stream: 'vm-m1-0', msg: 'hello' });
    expect(Date.parse(String(last()['time']))).not.toBeNaN();
  });

  it.each([
    [{ password: 'hunter2' }],
    [{ spec: { provider: { apiKey: 'hunter2' } } }],
    [{ headers: { Authorization: 'Bearer hunter2' } }],
    [{ rootPassword: 'hunter2' }],
    [{ nats_token: 'hunter2' }],
    [{ secret: 'a "quoted" hunter2' }],
    [{ url: 'https://root:hunter2@vcenter/sdk' }],
    [{ err: new Error('cannot connect to nats://me:hunter2@host:4222') }],
  ])('never holds a secret: %j', (fields) => {
    const { logger, lines, last } = capture();
    logger.info(fields, 'connecting to nats://me:hunter2@host');
    expect(lines.join()).not.toContain('hunter2');
    // Still JSON.
    expect(last()).toMatchObject({ level: 'info' });
  });

  it('keeps what only looks like a secret', () => {
    const { logger, last } = capture();
    logger.info({ secretRef: 'vcenter-creds', secret: { name: 'vcenter' } }, 'x');
    expect(last()).toMatchObject({ secretRef: 'vcenter-creds', secret: { name: 'vcenter' } });
  });

  it("takes Nest's messages with the name of who speaks", () => {
    const { logger, last } = capture();
    new NestLogger(logger).error('it broke', 'Error: it broke\n at x', 'Router');
    expect(last()).toMatchObject({
      level: 'error',
      msg: 'it broke',
      context: 'Router',
      stack: expect.any(String),
    });
  });
});
