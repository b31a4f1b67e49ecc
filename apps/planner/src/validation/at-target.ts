import { type PlanAtTarget, type TargetSpec, isTarget, targetOf } from '@ledgerlift/targets';
import type { Condition, PlanSpec, ProviderSpec, SourceVm } from '@ledgerlift/contracts';
import { sourceProvider } from '@ledgerlift/providers';
import { machineOf } from './machine.js';
import { networkPairs, pairOfDisk, pairOfNic, storagePairs } from './pairs.js';
import type { PlanFacts } from './plan-facts.js';

type Known = Pick<PlanFacts, 'spec' | 'vms' | 'inventory'> & {
  readonly source: Pick<NonNullable<PlanFacts['source']>, 'spec'> | undefined;
} & {
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
    sourceHosts: hostsOf(facts.source),
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
          startsAtTarget: starts(entry.targetPowerState ?? spec.targetPowerState, vm),
          isRetried,
          brought: entry.disks,
          planName: spec.name,
          machine: machineOf(spec, entry),
          networkOf: vm.nics.map((nic) => pairOfNic(nic, networks, inventory)),
          storageOf: vm.disks.map((disk) => pairOfDisk(disk, storages, inventory)),
        },
      ];
    }),
  };
}

const hostsOf = (source: { readonly spec: ProviderSpec } | undefined): readonly string[] =>
  (source && sourceProvider(source.spec.type)?.hosts?.(source.spec)) ?? [];

const starts = (wanted: PlanSpec['targetPowerState'], { powerState }: SourceVm): boolean =>
  wanted === 'auto' ? powerState === 'on' : wanted === 'on';

/** What the target says of the plan. */
export function checkAtTarget(facts: PlanFacts): readonly Condition[] {
  const { target, view } = facts;
  if (target === undefined || view === undefined || !isTarget(target.spec)) return [];
  return targetOf(target.spec.type).conditions(target.spec, planAtTarget(facts, target.spec), view);
}
