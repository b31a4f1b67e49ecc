import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '@ledgerlift/testing';
import { type HealthServer, startHealth } from './health.js';

let server: HealthServer | undefined;
afterEach(async () => {
  await server?.close();
});

const get = async (path: string) => {
  const answer = await fetch(`http://127.0.0.1:${server?.port}${path}`, {
    signal: AbortSignal.timeout(60_000),
  });
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

  it('is live while storage stalls: every thread that Node reads files with waits for it', async () => {
    server = await startHealth({ host: '127.0.0.1', port: 0, missing: () => [] });
    await using folder = temporaryFolder('health');
    const fifo = folder.file('stalled');
    execFileSync('mkfifo', [fifo]);
    // Nobody writes: whoever opens it to read waits, in one of Node's four threads.
    const waiting = Array.from({ length: 8 }, () => open(fifo, 'r'));
    let isOther = false;
    const other = open(folder.file('other'), 'w').then((file) => {
      isOther = true;
      return file;
    });
    try {
      expect(await get('/health/live')).toEqual({ status: 200, body: { status: 'live' } });
      expect(isOther).toBe(false);
    } finally {
      const writer = openSync(fifo, 'r+');
      for (const each of [...waiting, other]) await (await each).close();
      closeSync(writer);
    }
  });

  it('is not ready when the check itself fails', async () => {
    const failing = async (): Promise<string[]> => Promise.reject(new Error('no'));
    server = await startHealth({ host: '127.0.0.1', port: 0, missing: failing });
    expect((await get('/health/ready')).status).toBe(503);
  });

  it('fails other requests as if nobody listened, when another server takes over the port', async () => {
    server = await startHealth({ host: '127.0.0.1', port: 0, missing: () => [], others: 'hang-up' });
    await expect(get('/api/v1/plans')).rejects.toThrow('fetch failed');
    expect((await get('/health/live')).status).toBe(200);
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
