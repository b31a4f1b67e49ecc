import { type PlanAtTarget, type TargetSpec, isTarget, targetOf } from '@ledgerlift/targets';
import {
  type Condition,
  type MachineSettings,
  type PlanSpec,
  type PlanVm,
  type ProviderSpec,
  type SourceVm,
  machineChoices,
} from '@ledgerlift/contracts';
import { sourceProvider } from '@ledgerlift/providers';
import { networkPairs, pairOfDisk, pairOfNic, storagePairs } from './pairs.js';
import type { PlanFacts } from './plan-facts.js';

type Known = Pick<PlanFacts, 'spec' | 'vms' | 'inventory'> & {
  readonly source: Pick<NonNullable<PlanFacts['source']>, 'spec'> | undefined;
} & {
  readonly [mapping in 'networkMapping' | 'storageMapping']:
    Pick<NonNullable<PlanFacts[mapping]>, 'spec'> | undefined;
};

/** The plan as its target must know it: the VMs found in the inventory, with the pairs of their NICs and disks. */
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
          adopted: entry.disks,
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

const machineNames = Object.keys(machineChoices) as readonly (keyof MachineSettings)[];
const saidIn = (from: MachineSettings): MachineSettings =>
  Object.fromEntries(machineNames.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])));

/** The settings of one target VM: the VM's own win over the plan's, and annotations are merged. */
function machineOf(spec: PlanSpec, entry: PlanVm): MachineSettings {
  const annotations = { ...spec.annotations, ...entry.annotations };
  const merged = { ...saidIn(spec), ...saidIn(entry) };
  return Object.keys(annotations).length === 0 ? merged : { ...merged, annotations };
}

/** The conditions that the target raises. */
export function checkAtTarget(facts: PlanFacts): readonly Condition[] {
  const { target, view } = facts;
  if (target === undefined || view === undefined || !isTarget(target.spec)) return [];
  return targetOf(target.spec.type).conditions(target.spec, planAtTarget(facts, target.spec), view);
}
