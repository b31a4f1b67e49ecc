import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '../until.js';
import { type ApiCall, type ApiServerProxy, type Kubernetes, startKubernetes } from './index.js';

const MAPS = '/api/v1/namespaces/default/configmaps';

let kubernetes: Kubernetes;
let proxy: ApiServerProxy;
let token: string;

beforeAll(async () => {
  kubernetes = await startKubernetes({ extras: 'none' });
  const { admin } = kubernetes;
  await admin.create('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: 'all' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', namespace: 'kube-system', name: 'all' }],
  });
  token = await admin.serviceAccount('kube-system', 'all');
  proxy = await kubernetes.proxy();
  await until('the binding counts', async () => (await ask('GET', MAPS)).statusCode === 200);
});
afterAll(() => kubernetes.stop());

function ask(method: string, path: string, body?: object): Promise<IncomingMessage> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    request(`${proxy.url}${path}`, { method, headers, ca: kubernetes.ca, agent: false }, resolve)
      .on('error', reject)
      .end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const make = (name: string): Promise<IncomingMessage> => ask('POST', MAPS, { metadata: { name } });

const isThere = (name: string): Promise<boolean> =>
  kubernetes.admin.call(`${MAPS}/${name}`).then(
    () => true,
    () => false,
  );

const creates = ({ verb }: ApiCall): boolean => verb === 'create';

async function opened(path = `${MAPS}?watch=true`): Promise<{ heard: string[]; ended: Promise<unknown> }> {
  const stream = await ask('GET', path);
  const heard: string[] = [];
  const ended = new Promise((resolve) => {
    stream.on('data', (chunk: Buffer) => heard.push(chunk.toString()));
    stream.on('error', resolve).on('end', resolve);
  });
  return { heard, ended };
}

describe('a proxy in front of an API server', () => {
  it("passes a request on with its token, and the API server's own answer back", async () => {
    expect((await make('passed')).statusCode).toBe(201);
    const again = await make('passed');
    expect(await json(again)).toMatchObject({ code: 409, reason: 'AlreadyExists' });
    const other = await new Promise<IncomingMessage>((resolve, reject) => {
      request(`${proxy.url}${MAPS}`, { ca: kubernetes.ca, agent: false }, resolve).on('error', reject).end();
    });
    expect(other.statusCode).toBe(403);
  });

  it('streams a watch, and breaks it on demand', async () => {
    const { heard, ended } = await opened();
    await make('heard');
    await until('the event', () => heard.join('').includes('"heard"'));
    expect(proxy.watches).toBe(1);
    expect(proxy.cutWatches()).toBe(1);
    expect(await ended).toMatchObject({ code: 'ECONNRESET' });
    await until('no watch', () => proxy.watches === 0);
  });

  it('refuses before the API server has heard of it', async () => {
    using fault = proxy.inject({ kind: 'answer', status: 429, passed: 'never', retryAfter: 3 }, creates);
    const { statusCode, headers } = await make('unheard');
    expect({ statusCode, after: headers['retry-after'] }).toEqual({ statusCode: 429, after: '3' });
    expect(await isThere('unheard')).toBe(false);
    // Only what it was meant for.
    expect((await ask('GET', MAPS)).statusCode).toBe(200);
    expect(fault.hits).toBe(1);
  });

  it('loses the answer of what was done', async () => {
    {
      using _ = proxy.inject({ kind: 'answer', status: 500, passed: 'before' }, creates);
      const answer = await make('done');
      expect(await json(answer)).toMatchObject({ code: 500, reason: 'InternalError' });
      expect(await isThere('done')).toBe(true);
    }
    using _ = proxy.inject({ kind: 'reset', passed: 'before' }, creates);
    await expect(make('done-too')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await isThere('done-too')).toBe(true);
  });

  it('breaks a connection before anything is done', async () => {
    using _ = proxy.inject({ kind: 'reset', passed: 'never' }, creates);
    await expect(make('broken')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await isThere('broken')).toBe(false);
  });

  it('says of a watch that it is too old, by its status or by an event', async () => {
    {
      using _ = proxy.inject({ kind: 'gone', as: 'status' }, ({ verb }) => verb === 'watch');
      expect((await ask('GET', `${MAPS}?watch=true`)).statusCode).toBe(410);
    }
    using _ = proxy.inject({ kind: 'gone', as: 'event' }, ({ verb }) => verb === 'watch');
    const { heard, ended } = await opened();
    await ended;
    expect(JSON.parse(heard.join(''))).toMatchObject({ type: 'ERROR', object: { code: 410 } });
  });

  it('passes a stalled request on later', async () => {
    using _ = proxy.inject({ kind: 'stall', ms: 300 }, creates);
    const began = performance.now();
    expect((await make('late')).statusCode).toBe(201);
    expect(performance.now() - began).toBeGreaterThanOrEqual(299);
  });

  it('breaks connections while the API server is away, and serves again after it', async () => {
    await kubernetes.kill();
    await expect(ask('GET', MAPS)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await kubernetes.restart();
    await until('an answer', async () =>
      ask('GET', MAPS).then(
        ({ statusCode }) => statusCode === 200,
        () => false,
      ),
    );
  });
});
