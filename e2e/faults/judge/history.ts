import { type Resource, resourceKey } from '@ledgerlift/contracts';
import type { StoredEvent } from '@ledgerlift/event-log';
import { type Finding, found } from '../run/finding.js';
import type { Asked } from '../run/operator.js';
import type { CommandKind } from '../script/script.js';
import { dataOf, type Records, terminalTypes, type VmRecords } from './records.js';

/** What must hold of one VM's history, whatever happened. */
export function judgeHistory(name: string, vm: VmRecords): readonly Finding[] {
  return [...endings(name, vm), ...attempts(name, vm), ...keptAsListed(name, vm)];
}

/** What leads a VM that was at an end back into its migration, or to another end. */
const GOES_ON: ReadonlySet<string> = new Set(['RetryRequested', 'RollbackRequested', 'VmMigrationAbandoned']);

function endings(name: string, { events }: VmRecords): readonly Finding[] {
  const findings: Finding[] = [];
  let end: StoredEvent | undefined;
  for (const event of events) {
    if (end !== undefined && !GOES_ON.has(event.type))
      findings.push(
        found('doubled', `${name} goes on after ${end.type} with ${event.type} at ${event.revision}`),
      );
    end = terminalTypes.has(event.type) ? event : undefined;
  }
  return findings;
}

const OUTCOMES = ['StepCompleted', 'StepFailed', 'StepStopped'];

function attempts(name: string, { events }: VmRecords): readonly Finding[] {
  const counts = new Map<string, number>();
  for (const event of events) {
    const { step, attempt } = dataOf(event);
    const what = OUTCOMES.includes(event.type) ? 'an outcome' : event.type;
    if (!['StepRequested', 'StepStarted', 'an outcome'].includes(what)) continue;
    const key = `${what} of ${String(step)} #${String(attempt)}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > 1)
    .map(([key, count]) => found('doubled', `${name} has ${count} times ${key}`));
}

/** At the end, what is left in the ledger and what is listed as kept are the same. */
function keptAsListed(name: string, vm: VmRecords): readonly Finding[] {
  if (vm.end === undefined) return [];
  const kept = dataOf(vm.end)['kept'] as readonly { readonly resource: Resource }[];
  const listed = new Set(kept.map(({ resource }) => resourceKey(resource)));
  return [
    ...[...vm.ledger.keys()]
      .filter((key) => !listed.has(key))
      .map((key) => found('leaked', `${name}: ${key} is neither released nor listed as kept`)),
    ...[...listed]
      .filter((key) => !vm.ledger.has(key))
      .map((key) => found('lost', `${name}: ${key} is listed as kept, and is not in the ledger`)),
  ];
}

/** What an accepted command of one VM leads to. */
const EVENT_OF: Readonly<Partial<Record<CommandKind, string>>> = {
  cancel: 'CancelRequested',
  pause: 'PauseRequested',
  resume: 'ResumeRequested',
  cutover: 'CutoverScheduled',
  'approve-cutover': 'CutoverApproved',
  'test-boot': 'TestBootRequested',
  rollback: 'RollbackRequested',
};

/** What was acknowledged is in the log, once; what was refused is not. */
export function judgeCommands(
  records: Records,
  migration: string,
  asked: readonly Asked[],
): readonly Finding[] {
  return asked.flatMap((each): readonly Finding[] => {
    const { kind, vm, reason, answer } = each;
    const stream = `vm-${migration}-${vm}`;
    const said = records.all.filter((event) => dataOf(event)['reason'] === reason);
    const twice = [...Map.groupBy(said, (event) => `${event.type} of ${event.stream}`)].filter(
      ([, events]) => events.length > 1,
    );
    const type = EVENT_OF[kind];
    // Asked for again while it is so already, it is accepted and nothing is new.
    const isThere = records.all.some((event) => event.stream === stream && event.type === type);
    return [
      ...twice.map(([what]) => found('doubled', `"${reason}" led to ${what} more than once`)),
      ...(answer === 'accepted' && type !== undefined && said.length === 0 && !isThere
        ? [found('lost', `"${reason}" was accepted, and there is no ${type} in the log`)]
        : []),
      ...(answer === 'refused' && type !== undefined && said.length > 0
        ? [found('doubled', `"${reason}" was refused (${each.said}), and is in the log all the same`)]
        : []),
    ];
  });
}
