import type { Condition, SourceDisk, SourceVm, TargetStorage } from '@ledgerlift/contracts';
import { needsUnpacking, roomBeside } from '@ledgerlift/targets';
import { condition, listed } from '../condition-types.js';
import { type StoragePair, pairOfDisk, storagePairs } from '../pairs.js';
import type { PlanFacts, PlannedVm } from '../plan-facts.js';
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

/** The target's storages exist and offer the access and volume mode that is asked for. */
export function checkTargetStorages({ target, storageMapping }: PlanFacts): readonly Condition[] {
  if (target?.spec.type !== 'directory') return [];
  const { name, settings } = target.spec;
  return storagePairs(storageMapping?.spec).flatMap(({ source, destination }) => {
    const offered = settings.storages.find((storage) => storage.name === destination.storageClass);
    const lack = lackOf(destination, offered);
    if (lack === undefined) return [];
    const message = `'${source}' leads to '${destination.storageClass}', and '${name}' ${lack.message}`;
    return [condition('DestinationStorageNotValid', lack.reason, message, [destination.storageClass])];
  });
}

function lackOf(
  { accessMode, volumeMode }: StoragePair['destination'],
  offered: TargetStorage | undefined,
): { readonly reason: string; readonly message: string } | undefined {
  if (offered === undefined) return { reason: 'NotFound', message: 'has no such storage' };
  if (!offered.accessModes.includes(accessMode))
    return {
      reason: 'AccessModeNotOffered',
      message: `offers it ${offered.accessModes.join(', ')}, not ${accessMode}`,
    };
  if (!offered.volumeModes.includes(volumeMode))
    return {
      reason: 'VolumeModeNotOffered',
      message: `offers it ${offered.volumeModes.join(', ')}, not ${volumeMode}`,
    };
  return undefined;
}

/**
 * There is room for the disks, and for what those VMs that run at a time write beside them: else a source would be
 * powered off, and its conversion not begin.
 */
export function checkRoom({ spec, vms, room, target }: PlanFacts): readonly Condition[] {
  const { freeBytes } = room;
  if (freeBytes === undefined) return [];
  const coming = vms.filter(({ isCopied }) => !isCopied);
  const isThere = spec.type === 'conversion';
  const disks = isThere ? 0 : sum(coming.map((planned) => sum(capacities(planned))));
  const beside = sum(
    vms
      .map((planned) => besideOf(planned, spec.skipGuestConversion))
      .toSorted((one, other) => other - one)
      .slice(0, spec.maxConcurrentMigrations),
  );
  if (disks + beside <= freeBytes) return [];
  const name = target?.spec.name ?? spec.target;
  const message =
    `the disks take up to ${gib(disks)}, what conversion and unpacking write beside them up to ${gib(beside)}, ` +
    `and '${name}' has ${gib(freeBytes)} left`;
  return [condition('TargetNotEnoughRoom', 'NotEnoughRoom', message, [name])];
}

/** A VM that is retried may have come past its copy, and past its conversion. */
function besideOf({ vm, isCopied, isConverted }: PlannedVm, skipGuestConversion: boolean): number {
  if (isConverted) return 0;
  return roomBeside({
    disks: (vm?.disks ?? []).map((disk) => ({
      size: Math.max(disk.capacityBytes, 0),
      unpacked: !isCopied && needsUnpacking(disk) ? 'unpacked' : 'read-in-place',
    })),
    conversion: skipGuestConversion ? 'left-as-is' : 'converted',
  });
}

function disksOf({ vms }: PlanFacts): readonly { readonly vm: SourceVm; readonly disk: SourceDisk }[] {
  const once = new Map(vms.flatMap(({ vm }) => (vm === undefined ? [] : [[vm.id, vm] as const])));
  return [...once.values()].flatMap((vm) => vm.disks.map((disk) => ({ vm, disk })));
}

const capacities = ({ vm }: PlannedVm): number[] =>
  vm?.disks.map(({ capacityBytes }) => Math.max(capacityBytes, 0)) ?? [];
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
