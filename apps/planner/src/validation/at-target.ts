import { type PlanAtTarget, type TargetSpec, isTarget, targetOf } from '@ledgerlift/targets';
import type { Condition } from '@ledgerlift/contracts';
import { networkPairs, pairOfDisk, pairOfNic, storagePairs } from './pairs.js';
import type { PlanFacts } from './plan-facts.js';

type Known = Pick<PlanFacts, 'spec' | 'vms' | 'inventory'> & {
  readonly [mapping in 'networkMapping' | 'storageMapping']:
    Pick<NonNullable<PlanFacts[mapping]>, 'spec'> | undefined;
};

/** What the plan's target must know of it: the VMs that exist, and where each of their NICs and disks leads. */
export function planAtTarget(facts: Known, { name }: TargetSpec): PlanAtTarget {
  const { spec, inventory } = facts;
  const networks = networkPairs(facts.networkMapping?.spec);
  const storages = storagePairs(facts.storageMapping?.spec);
  return {
    spec,
    targetName: name,
    networks,
    storages,
    vms: facts.vms.flatMap(({ vm, entry, ...planned }) => {
      if (vm === undefined) return [];
      const { targetName, targetNamespace, isCopied, isConverted, isRetried } = planned;
      return [
        {
          vm,
          targetName,
          targetNamespace,
          isCopied,
          isConverted,
          isRetried,
          brought: entry.disks,
          networkOf: vm.nics.map((nic) => pairOfNic(nic, networks, inventory)),
          storageOf: vm.disks.map((disk) => pairOfDisk(disk, storages, inventory)),
        },
      ];
    }),
  };
}

/** What the target says of the plan. */
export function checkAtTarget(facts: PlanFacts): readonly Condition[] {
  const { target, view } = facts;
  if (target === undefined || view === undefined || !isTarget(target.spec)) return [];
  const { type, settings } = target.spec;
  return targetOf(type).conditions(settings, planAtTarget(facts, target.spec), view);
}
