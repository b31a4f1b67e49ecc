import { describe, expect, it } from '@jest/globals';
import type { Condition } from '@ledgerlift/contracts';
import type { VmAtTarget } from '../../plan.js';
import { needs } from '../permissions/roles.js';
import { resources } from '../resources.js';
import { conditions, kubevirtConditionTypes } from './index.js';
import type { Setup } from './spec/case.js';
import { placed, planOf, quota, settings, settingsWith, storageClass, viewOf } from './spec/fixtures.js';
import { machineCases } from './spec/machine-cases.js';
import { networkCases } from './spec/network-cases.js';
import { placeCases } from './spec/place-cases.js';
import { roomCases } from './spec/room-cases.js';
import { storageCases } from './spec/storage-cases.js';

const cases = [...placeCases, ...networkCases, ...storageCases, ...roomCases, ...machineCases];

function judged(setup: Setup): readonly Condition[] {
  const vms = (setup.vms ?? [{}]).map((each): VmAtTarget => placed(each));
  const view = { ...viewOf(setup.cluster), ...setup.view };
  return conditions({ settings: setup.settings ?? settings }, planOf(vms, setup.plan), view);
}

describe('a plan at a cluster', () => {
  it('has nothing against it where the cluster has everything', () => expect(judged({})).toEqual([]));

  const numbered = cases.map((each, index) => ({
    ...each,
    title: `${index + 1}: ${each.of} ${each.reason}`,
  }));
  it.each(numbered)('is judged: $title', ({ of, reason, items, says = [], raised, not }) => {
    const found = judged(raised).filter(({ type }) => type === of);
    expect(found).toMatchObject([{ type: of, reason, items }]);
    for (const part of says) expect(found[0]?.message).toContain(part);
    expect(judged(not).map(({ type }) => type)).not.toContain(of);
  });

  it('has a case for each condition', () =>
    expect(
      Object.keys(kubevirtConditionTypes).filter((type) => !cases.some(({ of }) => of === type)),
    ).toEqual([]));

  it('needs neither storage nor claims if it is for conversion only', () => {
    const spec = { ...planOf([]).spec, type: 'conversion' as const };
    const cluster = {
      // Where the pod keeps what stands beside the disks.
      storageClasses: [storageClass('scratch')],
      storageProfiles: [],
      quotas: [quota({ persistentvolumeclaims: '0' })],
    };
    expect(
      judged({ settings: settingsWith({ scratchStorageClass: 'scratch' }), plan: { spec }, cluster }),
    ).toEqual([]);
  });

  it('names every right that is missing, each in its namespace', () => {
    const rights = needs.filter(
      ({ kind, subresource }) => kind === resources.pods && subresource === undefined,
    );
    const missing = rights.map((need) => ({ need, namespace: 'vms' }));
    const [found] = judged({ view: { missing } });
    expect(found?.message).toContain("the account may not get, list, watch, create, delete pods in 'vms'");
    expect(found?.items).toEqual(
      ['get', 'list', 'watch', 'create', 'delete'].map((verb) => `${verb} pods in 'vms'`),
    );
  });
});
