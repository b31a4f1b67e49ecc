import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TemporaryFolder, temporaryFolder } from '@ledgerlift/testing';
import { callHttp } from './http.js';

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
}
type Answering = (request: IncomingMessage, response: ServerResponse) => void;

const TOKEN = 's3cret-token';
let temporary: TemporaryFolder;
let secrets: string;
let servers: Server[];
let seen: Seen[];
beforeEach(() => {
  servers = [];
  seen = [];
  temporary = temporaryFolder('secrets');
  secrets = temporary.path;
  mkdirSync(join(secrets, 'ticketing'));
  writeFileSync(join(secrets, 'ticketing', 'token'), `${TOKEN}\n`);
});
afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
  await temporary.remove();
});

async function serving(answer: Answering): Promise<string> {
  const server = createServer((request, response) => {
    void (async () => {
      let body = '';
      for await (const part of request) body += String(part);
      const { method = '', url = '', headers } = request;
      seen.push({ method, path: url, authorization: headers.authorization, body });
      answer(request, response);
    })();
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Change {
  readonly secret?: string;
  readonly method?: 'POST' | 'PUT';
  readonly timeLimitMs?: number;
  readonly signal?: AbortSignal;
}
function call(url: string, change: Change = {}): Promise<string> {
  const { secret, method = 'POST', timeLimitMs = 5000, signal = new AbortController().signal } = change;
  const run = { url, method, ...(secret === undefined ? {} : { secret: { name: secret } }) };
  const settings = { hooksFolder: undefined, secretsFolder: secrets, environment: {} };
  return callHttp({ name: 'a-hook', run, timeLimitMs }, { vm: 'web' }, settings, signal);
}

describe('an HTTP hook', () => {
  it('gets the JSON with its token, and its answer is kept', async () => {
    const url = await serving((_request, response) => response.writeHead(201).end('change 4711\u0007'));
    expect(await call(`${url}/hooks?x=1`, { secret: 'ticketing', method: 'PUT' })).toBe('change 4711');
    expect(seen).toEqual([
      { method: 'PUT', path: '/hooks?x=1', authorization: `Bearer ${TOKEN}`, body: '{"vm":"web"}' },
    ]);
  });

  it('fails transiently if the answer is not 2xx, and reports part of it, never the token', async () => {
    const url = await serving((_request, response) =>
      response.writeHead(503).end(`you sent Bearer ${TOKEN}: ${'busy '.repeat(1000)}`),
    );
    const failed: unknown = await call(url, { secret: 'ticketing' }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'LL-TRF-011', failure: 'transient' });
    const { message } = failed as Error;
    expect(message).toMatch(/503/);
    expect(message).not.toContain(TOKEN);
    expect(message.length).toBeLessThan(600);
  });

  it('reads only the part of an answer that it keeps', async () => {
    const url = await serving((_request, response) => {
      const more = (): void => {
        while (response.write('x'.repeat(65_536))) {
          // As much as possible.
        }
        response.once('drain', more);
      };
      more();
    });
    expect(await call(url)).toHaveLength(4096);
  });

  it('follows a redirect within the origin, with the same method and body', async () => {
    const url = await serving(({ url: path }, response) => {
      if (path === '/new') response.end('ok');
      else response.writeHead(308, { location: '/new' }).end();
    });
    expect(await call(`${url}/old`, { secret: 'ticketing' })).toBe('ok');
    expect(seen.map(({ path, body }) => [path, body])).toEqual([
      ['/old', '{"vm":"web"}'],
      ['/new', '{"vm":"web"}'],
    ]);
  });

  it('follows no redirect to another origin, which would get the token', async () => {
    const other = await serving((_request, response) => response.end('mine'));
    const url = await serving((_request, response) =>
      response.writeHead(307, { location: `${other}/steal` }).end(),
    );
    await expect(call(url, { secret: 'ticketing' })).rejects.toMatchObject({
      code: 'LL-TRF-011',
      message: expect.stringMatching(/another origin/),
    });
    expect(seen).toHaveLength(1);
  });

  it('limits the number of redirects', async () => {
    const url = await serving((_request, response) => response.writeHead(307, { location: '/' }).end());
    await expect(call(url)).rejects.toMatchObject({ code: 'LL-TRF-011' });
  });

  it('fails transiently at its time limit, even in the middle of an answer', async () => {
    const url = await serving((_request, response) => response.write('begun'));
    await expect(call(url, { timeLimitMs: 300 })).rejects.toMatchObject({
      code: 'LL-TRF-012',
      failure: 'transient',
    });
  });

  it('ends at once when the attempt is stopped', async () => {
    const url = await serving(() => undefined);
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('canceled')), 100);
    await expect(call(url, { signal: stop.signal })).rejects.toThrow('canceled');
  });

  it('reports that nothing answers', async () => {
    await expect(call('http://127.0.0.1:1/hook?key=abc')).rejects.toMatchObject({
      code: 'LL-TRF-013',
      failure: 'transient',
      message: expect.not.stringContaining('abc'),
    });
  });

  it('waits for an operator if its secret is missing at this site', async () => {
    await expect(call('http://127.0.0.1:1/', { secret: 'absent' })).rejects.toMatchObject({
      code: 'LL-SEC-001',
      failure: 'needs-operator',
    });
  });

  it('is refused if its URL contains a password, which is not reported', async () => {
    await expect(call('http://me:hunter2@127.0.0.1:1/')).rejects.toMatchObject({
      code: 'LL-TRF-010',
      message: expect.not.stringContaining('hunter2'),
    });
  });
});
