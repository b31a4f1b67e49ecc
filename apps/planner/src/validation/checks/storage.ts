import type { Condition, SourceDisk, SourceVm } from '@ledgerlift/contracts';
import { condition, listed } from '../condition-types.js';
import { pairOfDisk, storagePairs } from '../pairs.js';
import type { PlanFacts } from '../plan-facts.js';
import { needsNoStorage } from './brought.js';
import { checkSources } from './sources.js';

/** Every storage is mapped, once. */
export function checkStoragesMapped(facts: PlanFacts): readonly Condition[] {
  if (needsNoStorage(facts)) return [];
  const pairs = storagePairs(facts.storageMapping?.spec);
  const unmapped = disksOf(facts).filter(
    ({ disk }) => pairOfDisk(disk, pairs, facts.inventory) === undefined,
  );
  return [
    ...[...Map.groupBy(unmapped, ({ disk }) => disk.storage)].map(([storage, on]) => {
      const vms = [...new Set(on.map(({ vm }) => vm.name))];
      return condition(
        'VMStorageNotMapped',
        'NotMapped',
        `storage '${storage}' of ${listed(vms)} is not mapped`,
        [storage, ...vms],
      );
    }),
    ...checkSources('storage', pairs, facts.inventory?.storages),
  ];
}

function disksOf({ vms }: PlanFacts): readonly { readonly vm: SourceVm; readonly disk: SourceDisk }[] {
  const once = new Map(vms.flatMap(({ vm }) => (vm === undefined ? [] : [[vm.id, vm] as const])));
  return [...once.values()].flatMap((vm) => vm.disks.map((disk) => ({ vm, disk })));
}
