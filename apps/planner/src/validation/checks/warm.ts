import type { Condition, SourceVm } from '@ledgerlift/contracts';
import { condition, listed } from '../condition-types.js';
import type { PlanFacts } from '../plan-facts.js';

/** What stands against copying VMs while they run. */
export function checkWarm({ spec, vms, inventory }: PlanFacts): readonly Condition[] {
  if (spec.type !== 'warm') return [];
  const named = (is: (vm: SourceVm) => boolean): readonly string[] =>
    vms.flatMap(({ vm }) => (vm !== undefined && is(vm) ? [vm.name] : []));
  const untracked = named(({ changeTracking }) => changeTracking === 'off');
  const withSnapshots = named(({ snapshots = [] }) => snapshots.some((name) => !isOurs(name)));
  const { cutover } = spec.warm;
  const isOver =
    cutover.by === 'time' &&
    inventory !== undefined &&
    Date.parse(cutover.at) < Date.parse(inventory.takenAt);
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
    ...(isOver ? [condition('CutoverTimePassed', 'InThePast', `${cutover.at} is over`, [cutover.at])] : []),
  ];
}

/** A retry finds the snapshots of its own migration. */
const isOurs = (name: string): boolean => name.startsWith('ledgerlift-');
