import type { Condition, SourceVm } from '@ledgerlift/contracts';
import { sourceProvider } from '@ledgerlift/providers';
import { kindOfProvider } from '../../in-words.js';
import { condition, listed } from '../condition-types.js';
import type { PlanFacts } from '../plan-facts.js';

/** Settings that contradict each other, or do not work with this source. */
export function checkCombinations(facts: PlanFacts): readonly Condition[] {
  return [
    ...checkCutover(facts),
    ...checkHooks(facts),
    ...checkRetirement(facts),
    ...checkRawCopy(facts),
    ...checkInspection(facts),
  ];
}

function checkCutover({ spec, vms }: PlanFacts): readonly Condition[] {
  const { cutover, maxPrecopies } = spec.warm;
  if (spec.type !== 'warm') {
    const ignored = vms.flatMap(({ entry, vm }) =>
      entry.cutoverAt === undefined ? [] : [vm?.name ?? entry.ref],
    );
    if (ignored.length === 0) return [];
    const message = `the plan is ${spec.type}, so there is no cutover for ${listed(ignored)}`;
    return [condition('CutoverTimeNotUsed', 'NotWarm', message, ignored)];
  }
  if (cutover.by !== 'downtime' || maxPrecopies !== 0) return [];
  const message =
    'the cutover waits until the expected downtime is short enough, but `maxPrecopies: 0` allows no round to shorten it';
  return [condition('CutoverPolicyNotValid', 'NoPassAllowed', message, ['warm.maxPrecopies'])];
}

/** Answers to a hook, and the history, identify it by its name alone. */
function checkHooks({ spec }: PlanFacts): readonly Condition[] {
  const groups = Map.groupBy(spec.hooks, ({ name }) => name);
  return [...groups].flatMap(([name, same]) => {
    if (same.length < 2) return [];
    const moments = same.map(({ at }) => at).join(', ');
    return [
      condition('HookNamesNotUnique', 'NotUnique', `${same.length} hooks are called '${name}' (${moments})`, [
        name,
      ]),
    ];
  });
}

function checkRetirement({ spec, source }: PlanFacts): readonly Condition[] {
  const { disconnectNics, renameSuffix, tag } = spec.retireSource;
  const asked = [
    ...(disconnectNics ? ['disconnectNics'] : []),
    ...(renameSuffix === undefined ? [] : ['renameSuffix']),
    ...(tag === undefined ? [] : ['tag']),
  ];
  const provider = source && sourceProvider(source.spec.type);
  if (asked.length === 0 || provider === undefined || provider.retire !== undefined) return [];
  const message = `\`retireSource\` asks for ${asked.join(', ')}, but a VM of ${kindOfProvider(provider.type, 'source')} cannot be changed`;
  return [condition('RetireSourceNotSupported', 'NotSupported', message, asked)];
}

function checkRawCopy({ spec, source, vms }: PlanFacts): readonly Condition[] {
  const provider = source && sourceProvider(source.spec.type);
  if (!spec.skipGuestConversion || spec.useCompatibilityMode || provider?.conversion !== 'needed') return [];
  const names = vms.flatMap(({ vm }) => vm?.name ?? []);
  if (names.length === 0) return [];
  const message = `${listed(names)} will get virtio devices, but nothing installs drivers for them`;
  return [condition('GuestNeedsVirtioDrivers', 'NotConverted', message, names)];
}

/** Inspection is for warm plans that convert: a cold VM is converted right after its copy, a raw copy never. */
function checkInspection({ spec }: PlanFacts): readonly Condition[] {
  if (!spec.inspect || (spec.type === 'warm' && !spec.skipGuestConversion)) return [];
  const why = spec.type === 'warm' ? 'the plan converts no guest' : `the plan is ${spec.type}`;
  return [condition('InspectionNotDone', 'NotUsed', `no guest is inspected: ${why}`, ['inspect'])];
}

/** Conditions of copying VMs while they run. */
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
      ? [condition('CutoverTimePassed', 'InThePast', `${cutover.at} has passed`, [cutover.at])]
      : []),
    ...(late.length === 0
      ? []
      : [
          condition(
            'CutoverTimePassed',
            'OfVmInThePast',
            `the cutover times of ${listed(lateNames)} have passed`,
            lateNames,
          ),
        ]),
  ];
}

/** Whether the snapshot is ours: a retry finds those of its own migration. */
const isOurs = (name: string): boolean => name.startsWith('ledgerlift-');
