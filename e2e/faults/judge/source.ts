import type { JournalLine } from '../run/sources.js';
import { type Finding, found } from '../run/finding.js';
import type { VmScript } from '../script/script.js';
import { type VmRecords, dataOf } from './records.js';

export interface SourceStory {
  readonly vm: VmScript;
  readonly records: VmRecords;
  /** The lab's lines about this VM. */
  readonly journal: readonly JournalLine[];
  /** When somebody else powered it on, or off. */
  readonly intrusions: readonly string[];
}

const isPower = ({ effect }: JournalLine): boolean =>
  ['power-on', 'power-off', 'power-lost'].includes(effect);
const NEAR_MS = 3000;

/** Whether it is of somebody else's doing. */
export const isNear = (intrusions: readonly string[], time: string): boolean =>
  intrusions.some((at) => Math.abs(Date.parse(at) - Date.parse(time)) < NEAR_MS);

/** Judges what was done to a source at the lab, by the lab's own journal. */
export const judgeSource = (story: SourceStory): readonly Finding[] => [
  ...snapshotsOneAtATime(story),
  ...neverBesideItsTarget(story),
  ...leftAsItWas(story),
];

function snapshotsOneAtATime({ vm, journal }: SourceStory): readonly Finding[] {
  const findings: Finding[] = [];
  const open = new Set<string>();
  for (const { effect, snapshot = '' } of journal) {
    if (effect === 'snapshot-removed') open.delete(snapshot);
    if (effect !== 'snapshot-created') continue;
    if (open.size > 0)
      findings.push(found('doubled', `${vm.name} has ${[...open].join(', ')} when ${snapshot} is made`));
    open.add(snapshot);
  }
  return findings;
}

const timesOf = (records: VmRecords, type: string, step: string): readonly string[] =>
  records.step(type, step).map(({ time }) => time);

/** From the start of the target until it was seen stopped, nothing of ours powers the source on. */
function neverBesideItsTarget({ vm, records, journal, intrusions }: SourceStory): readonly Finding[] {
  const starts = timesOf(records, 'StepCompleted', 'FinalPowerActions');
  const stops = timesOf(records, 'StepCompleted', 'TargetPowerOff');
  return journal
    .filter(({ effect }) => effect === 'power-on')
    .filter(({ time }) => {
      const started = starts.findLast((start) => start < time);
      if (started === undefined || stops.some((stop) => stop > started && stop <= time)) return false;
      return !isNear(intrusions, time);
    })
    .map(({ time }) => found('doubled', `${vm.name} was powered on at ${time}, while its target ran`));
}

/** A source that ran, runs again when its migration did not come to its end. */
function leftAsItWas({ vm, records, journal, intrusions }: SourceStory): readonly Finding[] {
  const last = journal.findLast(isPower);
  const outcome = records.end?.type;
  // A crash of the host is not our doing, nor ours to mend.
  if (!vm.wasOn || last?.effect !== 'power-off' || isNear(intrusions, last.time)) return [];
  if (outcome === 'VmMigrationSucceeded' || outcome === undefined) return [];
  const givenUp = records
    .of('ConditionRaised')
    .some((event) => (dataOf(event)['condition'] as { type?: string }).type === 'NotDoneAtTheEnd');
  const targetStarted = records.step('StepCompleted', 'FinalPowerActions').length > 0;
  // Once the target was started, only a rollback goes back: neither a failure nor a cancel does.
  if (givenUp || (targetStarted && outcome !== 'VmMigrationRolledBack')) return [];
  return [
    found('lost', `${vm.name} ran before, its migration ended with ${outcome}, and it is off: ${last.time}`),
  ];
}
