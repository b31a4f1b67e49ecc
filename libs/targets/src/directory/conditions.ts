import { type Condition, type DirectorySettings, conditionsOf } from '@ledgerlift/contracts';
import { checkBroughtDisks } from '../conditions/brought.js';
import { checkClaimNames, checkNamesFree } from '../conditions/names.js';
import { checkNetworks, checkPodNetwork } from '../conditions/networks.js';
import { checkStorages } from '../conditions/storages.js';
import type { PlanAtTarget, TargetAt, TargetView, VmAtTarget } from '../plan.js';
import { needsUnpacking } from '../files/claims.js';
import { directoryConditionTypes } from './condition-types.js';
import { roomBeside } from '../files/room.js';

const condition = conditionsOf(directoryConditionTypes);

/** What stands against a plan at a directory. Pure. */
export function conditions(
  { settings: { networks, storages } }: TargetAt<DirectorySettings>,
  plan: PlanAtTarget,
  view: TargetView,
): readonly Condition[] {
  return [
    ...checkNamesFree(plan, view.taken),
    ...checkClaimNames(plan),
    ...checkNetworks(plan, networks),
    ...checkPodNetwork(plan),
    ...checkStorages(plan, storages),
    ...checkBroughtDisks(plan, view.brought),
    ...checkRoom(plan, view),
  ];
}

/**
 * There is room for the disks, and for what those VMs that run at a time write beside them: else a source would be
 * powered off, and its conversion not begin.
 */
function checkRoom({ spec, vms, targetName }: PlanAtTarget, { freeBytes }: TargetView): readonly Condition[] {
  if (freeBytes === undefined) return [];
  const coming = spec.type === 'conversion' ? [] : vms.filter(({ isCopied }) => !isCopied);
  const disks = sum(
    coming.map(({ vm }) => sum(vm.disks.map(({ capacityBytes }) => Math.max(capacityBytes, 0)))),
  );
  const beside = sum(
    vms
      .map((each) => besideOf(each, spec.skipGuestConversion))
      .toSorted((one, other) => other - one)
      .slice(0, spec.maxConcurrentMigrations),
  );
  if (disks + beside <= freeBytes) return [];
  const message =
    `the disks take up to ${gib(disks)}, what conversion and unpacking write beside them up to ${gib(beside)}, ` +
    `and '${targetName}' has ${gib(freeBytes)} left`;
  return [condition('TargetNotEnoughRoom', 'NotEnoughRoom', message, [targetName])];
}

/** A VM that is retried may have come past its copy, and past its conversion. */
function besideOf({ vm, isCopied, isConverted }: VmAtTarget, skipGuestConversion: boolean): number {
  if (isConverted) return 0;
  return roomBeside({
    disks: vm.disks.map((disk) => ({
      size: Math.max(disk.capacityBytes, 0),
      unpacked: !isCopied && needsUnpacking(disk) ? 'unpacked' : 'read-in-place',
    })),
    conversion: skipGuestConversion ? 'left-as-is' : 'converted',
  });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
