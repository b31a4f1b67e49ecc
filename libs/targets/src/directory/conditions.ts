import {
  type Condition,
  type ConditionCatalogue,
  conditionsOf,
  type DirectorySettings,
} from '@ledgerlift/contracts';
import {
  checkAdoptedDisks,
  checkClaimNames,
  checkNamesFree,
  checkNetworks,
  checkPodNetwork,
  checkStorages,
} from '../conditions.js';
import { needsUnpacking } from '../files/claims.js';
import { roomBeside } from '../files/overlays.js';
import type { PlanAtTarget, TargetAt, TargetView, VmAtTarget } from '../plan.js';

/** Conditions that only directory targets raise. */
export const directoryConditionTypes = {
  TargetNotEnoughRoom: {
    category: 'Critical',
    when: "the plan's disks, and the temporary files of conversion and unpacking, need more than the target's free space",
    wayOut: 'free space, choose another target, split the plan, or lower `maxConcurrentMigrations`',
  },
} as const satisfies ConditionCatalogue;

const condition = conditionsOf(directoryConditionTypes);

/** Returns the conditions that a directory raises on a plan. Pure. */
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
    ...checkAdoptedDisks(plan, view.adopted),
    ...checkRoom(plan, view),
  ];
}

/**
 * Checks for space for the disks, and for the temporary files of as many VMs as migrate at once. Otherwise a source could be
 * powered off although its conversion cannot begin.
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
    `the disks need up to ${gib(disks)}, conversion and unpacking up to ${gib(beside)}, ` +
    `but '${targetName}' has only ${gib(freeBytes)} free`;
  return [condition('TargetNotEnoughRoom', 'NotEnoughRoom', message, [targetName])];
}

/** Bytes of temporary files. Fewer for a retried VM that is already copied or converted. */
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
