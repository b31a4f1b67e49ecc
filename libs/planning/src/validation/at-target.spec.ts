import { describe, expect, it } from '@jest/globals';
import type { PlanAtTarget, TargetSpec } from '@ledgerlift/targets';
import { planAtTarget } from './at-target.js';
import { factsWith, vm, vsphere } from './spec/facts.js';

const at = (...of: Parameters<typeof factsWith>): PlanAtTarget => {
  const facts = factsWith(...of);
  if (facts.target === undefined) throw new Error('the facts have a target');
  return planAtTarget(facts, facts.target.spec as TargetSpec);
};

describe('a plan as its target knows it', () => {
  it('contains the address of the source', () => {
    const hosts = [{ host: 'esxi-1', address: '10.0.0.2', secret: { name: 'esxi' } }];
    expect(at([vm()], { source: vsphere({ hosts }) }).sourceHosts).toEqual([
      'vcenter.example.com',
      '10.0.0.2',
    ]);
    expect(at([vm()]).sourceHosts).toEqual([]);
  });

  it.each([
    ['on', 'auto', true],
    ['off', 'auto', false],
    ['suspended', 'auto', false],
    ['off', 'on', true],
    ['on', 'off', false],
  ] as const)(
    'says whether a VM that is %s starts there, where the plan says %s',
    (powerState, wanted, starts) => {
      const plan = at([vm({ powerState })], { spec: { targetPowerState: wanted } });
      expect(plan.vms.map(({ startsAtTarget }) => startsAtTarget)).toEqual([starts]);
    },
  );

  it('lets a VM override the plan', () => {
    const spec = { targetPowerState: 'off', vms: [{ ref: vm().id, targetPowerState: 'on' }] };
    expect(at([vm()], { spec }).vms.map(({ startsAtTarget }) => startsAtTarget)).toEqual([true]);
  });
});
