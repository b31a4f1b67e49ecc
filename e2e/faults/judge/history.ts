import { type Resource, resourceKey } from '@ledgerlift/contracts';
import type { StoredEvent } from '@ledgerlift/event-log';
import { type Finding, found } from '../run/finding.js';
import { type VmRecords, dataOf, terminalTypes } from './records.js';

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
