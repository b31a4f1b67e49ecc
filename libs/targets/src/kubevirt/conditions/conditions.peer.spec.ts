import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Condition } from '@ledgerlift/contracts';
import { until } from '@ledgerlift/testing';
import type { PlanAtTarget } from '../../plan.js';
import { one, realCases } from './spec/real-cases.js';
import { RealCluster } from './spec/real-cluster.js';

const QUOTAS = '/api/v1/namespaces/vms/resourcequotas';

const fail = (): never => {
  throw new Error('the plan has no VM');
};

let cluster: RealCluster;
beforeAll(async () => {
  cluster = await RealCluster.start();
});
afterAll(() => cluster.stop());

describe('a plan at a real cluster', () => {
  it('has nothing against it where the cluster has everything', async () => {
    await until('nothing stands against it', async () => (await cluster.judged(one())).length === 0);
  });

  const numbered = realCases.map((each, index) => ({
    ...each,
    title: `${index + 1}: ${each.of} ${each.reason}`,
  }));
  it.each(numbered)('is judged: $title', async ({ of, reason, items, plan, change, clean = plan }) => {
    await cluster.nodeIsReady();
    const found = async (which: PlanAtTarget): Promise<readonly Condition[]> =>
      (await cluster.judged(which)).filter((each) => each.type === of && each.reason === reason);
    const isRaised = async (which: PlanAtTarget): Promise<boolean> => (await found(which)).length > 0;
    await until(`${of} is not raised`, async () => !(await isRaised(clean)));
    const undo = await change?.(cluster);
    await until(`${of} is raised`, () => isRaised(plan));
    expect(await found(plan)).toMatchObject([{ items }]);
    await undo?.();
    await until(`${of} is no longer raised`, async () => !(await isRaised(clean)));
  });

  it('fits if quotas leave enough, and otherwise names each quota that does not', async () => {
    const hard = [
      ...['requests.storage', 'persistentvolumeclaims', 'count/persistentvolumeclaims'],
      'fast.storageclass.storage.k8s.io/requests.storage',
      'fast.storageclass.storage.k8s.io/persistentvolumeclaims',
      ...['count/virtualmachines.kubevirt.io', 'pods', 'count/pods'],
      ...['requests.cpu', 'requests.memory'],
    ];
    const of = (most: string): object => ({
      spec: { hard: Object.fromEntries(hard.map((resource) => [resource, most])) },
    });
    const plan = one({ startsAtTarget: true });
    const exceeded = async (): Promise<readonly Condition[]> =>
      (await cluster.judged(plan)).filter(({ type }) => type === 'TargetQuotaExceeded');
    await cluster.admin.create(QUOTAS, { metadata: { name: 'small' }, ...of('0') });
    await until('the quota is exceeded', async () => (await exceeded()).length > 0);
    const [found] = await exceeded();
    expect(found?.items).toEqual(['vms/small']);
    const named = found?.message.split(/[:;] /) ?? [];
    expect(hard.filter((resource) => !named.includes(resource))).toEqual([]);
    await cluster.admin.patch(`${QUOTAS}/small`, of('100Gi'));
    await until('it no longer is', async () => (await exceeded()).length === 0);
    await cluster.admin.remove(`${QUOTAS}/small`);
  });

  it('for conversion only needs the claims that another tool filled, found by their labels', async () => {
    const { vm } = one().vms[0] ?? fail();
    const plan: PlanAtTarget = { ...one(), spec: { ...one().spec, type: 'conversion' } };
    const missing = async (): Promise<readonly string[]> =>
      (await cluster.judged(plan)).flatMap(({ type, reason }) =>
        type === 'MissingPvcForOnlyConversion' ? [reason] : [],
      );
    expect(await missing()).toEqual(['NotFound']);
    await cluster.admin.create('/api/v1/namespaces/vms/persistentvolumeclaims', {
      metadata: { name: 'brought', labels: { vmID: vm.id } },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    });
    // It is there, and has no volume yet.
    expect(await missing()).toEqual(['NotUsable']);
  });
});
