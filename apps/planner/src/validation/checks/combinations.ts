import type { Condition } from '@ledgerlift/contracts';
import { sourceProvider } from '@ledgerlift/providers';
import { kindOfProvider } from '../../kind-of-provider.js';
import { condition, listed } from '../condition-types.js';
import type { PlanFacts } from '../plan-facts.js';

/** Settings that cannot hold together, or not with this source. */
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
    const message = `the plan is ${spec.type}, and has no cutover for ${listed(ignored)}`;
    return [condition('CutoverTimeNotUsed', 'NotWarm', message, ignored)];
  }
  if (cutover.by !== 'downtime' || maxPrecopies !== 0) return [];
  const message =
    'the cutover is to come once the expected downtime is short enough, and `maxPrecopies: 0` allows no pass to shorten it';
  return [condition('CutoverPolicyNotValid', 'NoPassAllowed', message, ['warm.maxPrecopies'])];
}

/** What answers a hook, and the history, know it by its name alone. */
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
  const message = `\`retireSource\` asks for ${asked.join(', ')}, and a VM of ${kindOfProvider(provider.type, 'source')} cannot be changed`;
  return [condition('RetireSourceNotSupported', 'NotSupported', message, asked)];
}

function checkRawCopy({ spec, source, vms }: PlanFacts): readonly Condition[] {
  const provider = source && sourceProvider(source.spec.type);
  if (!spec.skipGuestConversion || spec.useCompatibilityMode || provider?.conversion !== 'needed') return [];
  const names = vms.flatMap(({ vm }) => vm?.name ?? []);
  if (names.length === 0) return [];
  const message = `${listed(names)} will get virtio devices, and nothing installs drivers for them`;
  return [condition('GuestNeedsVirtioDrivers', 'NotConverted', message, names)];
}

/** A cold VM is converted right after its copy, and a raw copy is not converted at all. */
function checkInspection({ spec }: PlanFacts): readonly Condition[] {
  if (!spec.inspect || (spec.type === 'warm' && !spec.skipGuestConversion)) return [];
  const why = spec.type === 'warm' ? 'the plan converts no guest' : `the plan is ${spec.type}`;
  return [condition('InspectionNotDone', 'NotUsed', `no guest is inspected: ${why}`, ['inspect'])];
}
