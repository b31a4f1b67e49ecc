import type { Condition, SourceVm } from '@ledgerlift/contracts';
import { sourceProvider } from '@ledgerlift/providers';
import { condition, listed } from '../condition-types.js';
import type { PlanFacts } from '../plan-facts.js';

/** What stands against copying VMs while they run. */
export function checkWarm({ spec, source, vms, inventory }: PlanFacts): readonly Condition[] {
  if (spec.type !== 'warm') return [];
  const named = (is: (vm: SourceVm) => boolean): readonly string[] =>
    vms.flatMap(({ vm }) => (vm !== undefined && is(vm) ? [vm.name] : []));
  const provider = source && sourceProvider(source.spec.type);
  const untracked =
    spec.warm.enableChangeTracking && provider?.snapshots?.enablesTracking === true
      ? []
      : named(({ changeTracking }) => changeTracking === 'off');
  const withSnapshots = named(({ snapshots = [] }) => snapshots.some((name) => !isOurs(name)));
  const now = inventory === undefined ? Number.NaN : Date.parse(inventory.takenAt);
  const isOver = (at: string): boolean => Date.parse(at) < now;
  const { cutover } = spec.warm;
  const late = vms.filter(({ entry }) => entry.cutoverAt !== undefined && isOver(entry.cutoverAt));
  const lateNames = late.map(({ vm, entry }) => vm?.name ?? entry.ref);
  return [
    ...(untracked.length === 0
      ? []
      : [
          condition(
            'VMMissingChangedBlockTracking',
            'NotTracked',
            `changes are not tracked on ${listed(untracked)}`,
            untracked,
          ),
        ]),
    ...(withSnapshots.length === 0
      ? []
      : [
          condition(
            'VMHasSnapshots',
            'SnapshotsPresent',
            `there are snapshots of ${listed(withSnapshots)}`,
            withSnapshots,
          ),
        ]),
    ...(cutover.by === 'time' && isOver(cutover.at)
      ? [condition('CutoverTimePassed', 'InThePast', `${cutover.at} is over`, [cutover.at])]
      : []),
    ...(late.length === 0
      ? []
      : [
          condition(
            'CutoverTimePassed',
            'OfVmInThePast',
            `the times of ${listed(lateNames)} are over`,
            lateNames,
          ),
        ]),
  ];
}

/** A retry finds the snapshots of its own migration. */
const isOurs = (name: string): boolean => name.startsWith('ledgerlift-');
