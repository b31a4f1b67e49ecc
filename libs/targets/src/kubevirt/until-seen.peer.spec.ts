import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@ledgerlift/testing';
import { CLAIMS, NAMESPACE, QUICK, TestCluster, failure } from './at-cluster.fixture.js';
import { type ApiRequest, KubernetesConnection } from './connection.js';
import { KubernetesForbidden, KubernetesGone, KubernetesNotFound, KubernetesUnreachable } from './errors.js';
import { resources } from './resources.js';
import { type WaitTimes, type Watched, untilSeen } from './until-seen.js';

const signal = AbortSignal.timeout(280_000);
const claims: Watched = { kind: resources.claims, selection: { namespace: NAMESPACE } };

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.start({ extras: 'none' });
});
afterAll(() => cluster[Symbol.asyncDispose]());

const wait = (
  look: () => Promise<string | undefined>,
  watched: readonly Watched[] = [claims],
  times: WaitTimes = QUICK,
): Promise<string> => untilSeen(cluster.connection, watched, look, signal, times);

const claim = (name: string): Promise<unknown> =>
  cluster.kubernetes.admin.create(CLAIMS, {
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
  });

describe('what is waited for', () => {
  it('is seen at once if it already exists', async () => {
    expect(await wait(() => Promise.resolve('here'))).toBe('here');
  });

  it('is looked at again when a watched object changes, and else only now and then', async () => {
    let looks = 0;
    let isThere = false;
    const waiting = wait(() => {
      looks += 1;
      return Promise.resolve(isThere ? 'here' : undefined);
    });
    await until('the watch stands', () => looks >= 2);
    const before = looks;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(looks).toBe(before);
    isThere = true;
    await claim('changed');
    expect(await waiting).toBe('here');
  });

  it('is looked at again after a time, though nothing changes', async () => {
    let looks = 0;
    const often = { ...QUICK, lookMs: 20 };
    const look = (): Promise<string | undefined> => {
      looks += 1;
      return Promise.resolve(looks > 20 ? 'late' : undefined);
    };
    expect(await wait(look, [claims], often)).toBe('late');
  });

  it('is found though the API server restarts, and knows no roles at first', async () => {
    let isThere = false;
    const waiting = wait(async () => {
      await cluster.connection.call({
        verb: 'list',
        kind: resources.pods,
        address: { namespace: NAMESPACE },
        signal,
      });
      return isThere ? 'here' : undefined;
    });
    for (let restarts = 0; restarts < 2; restarts += 1) await cluster.kubernetes.restart();
    isThere = true;
    await claim('after');
    expect(await waiting).toBe('here');
  });

  it('is waited for while an error is transient, and no longer', async () => {
    const errors: readonly Error[] = [
      new KubernetesUnreachable('the server', 'get', 'ECONNRESET'),
      new KubernetesNotFound('it', 'object'),
    ];
    let looks = 0;
    const look = (): Promise<undefined> => {
      looks += 1;
      return Promise.reject(errors[looks - 1] ?? new Error('looked too often'));
    };
    expect(await failure(wait(look))).toBe(errors[1]);
    expect(looks).toBe(2);
  });

  it('is found though watches are too old for the API server', async () => {
    class Forgetful extends KubernetesConnection {
      watches = 0;
      override open(asked: ApiRequest, silenceMs: number): ReturnType<KubernetesConnection['open']> {
        if (asked.verb !== 'watch') return super.open(asked, silenceMs);
        this.watches += 1;
        return this.watches <= 2 ? Promise.reject(new KubernetesGone('watch')) : super.open(asked, silenceMs);
      }
    }
    const connection = new Forgetful(() => Promise.resolve(cluster.credentials));
    let isThere = false;
    const look = (): Promise<string | undefined> => Promise.resolve(isThere ? 'here' : undefined);
    const waiting = untilSeen(connection, [claims], look, signal, QUICK);
    await until('a watch stands', () => connection.watches > 2);
    isThere = true;
    await claim('remembered');
    expect(await waiting).toBe('here');
    await connection.close();
  });

  it('is given up if it may not be watched, or its kind does not exist', async () => {
    const never = (): Promise<undefined> => Promise.resolve(undefined);
    const times = { ...QUICK, refusedMs: 200 };
    const elsewhere = { kind: resources.claims, selection: { namespace: 'default' } };
    expect(await failure(wait(never, [elsewhere], times))).toBeInstanceOf(KubernetesForbidden);
    const vms = { kind: resources.vms, selection: { namespace: NAMESPACE } };
    expect(await failure(wait(never, [vms], times))).toMatchObject({ missing: 'kind' });
  });
});
