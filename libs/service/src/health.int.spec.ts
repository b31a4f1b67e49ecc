import { afterEach, describe, expect, it } from '@jest/globals';
import { type HealthServer, startHealth } from './health.js';

let server: HealthServer | undefined;
afterEach(async () => {
  await server?.close();
});

const get = async (path: string) => {
  const answer = await fetch(`http://127.0.0.1:${server?.port}${path}`);
  return { status: answer.status, body: await answer.json() };
};

describe('the health of a service', () => {
  it('is live at once, and ready when nothing is missing any more', async () => {
    let missing = ['NATS is not connected'];
    server = await startHealth({ host: '127.0.0.1', port: 0, missing: () => missing });
    expect(await get('/health/live')).toEqual({ status: 200, body: { status: 'live' } });
    expect(await get('/health/ready')).toEqual({ status: 503, body: { status: 'waiting', missing } });
    missing = [];
    expect(await get('/health/ready')).toEqual({ status: 200, body: { status: 'ready' } });
    expect((await get('/')).status).toBe(404);
  });

  it('is not ready when the check itself fails', async () => {
    const failing = async (): Promise<string[]> => Promise.reject(new Error('no'));
    server = await startHealth({ host: '127.0.0.1', port: 0, missing: failing });
    expect((await get('/health/ready')).status).toBe(503);
  });

  it('says which setting to change when the port is taken', async () => {
    server = await startHealth({ host: '127.0.0.1', port: 0, missing: () => [] });
    const second = startHealth({ host: '127.0.0.1', port: server.port, missing: () => [] });
    await expect(second).rejects.toMatchObject({
      code: 'LL-SVC-002',
      message: expect.stringContaining('LEDGERLIFT_HTTP_PORT'),
    });
  });
});
