import type { RunScript } from '../script/script.js';
import type { Asked } from '../run/operator.js';
import type { Finding } from '../run/finding.js';
import type { Scene } from '../run/strike.js';
import { judgeBus } from './bus.js';
import { judgeCommands } from './commands.js';
import { judgeConversions } from './conversions.js';
import { judgeDisks } from './disks.js';
import { judgeHistory } from './history.js';
import { judgeLeftovers } from './leftovers.js';
import { VmRecords, readRecords } from './records.js';
import { judgeSource } from './source.js';

export interface RunFacts {
  readonly script: RunScript;
  readonly migration: string;
  readonly asked: readonly Asked[];
}

/** Everything that must hold once all VMs of a run are at an end. */
export async function judge(
  scene: Scene,
  { script, migration, asked }: RunFacts,
): Promise<readonly Finding[]> {
  const { world, sources, intrusions } = scene;
  const records = await readRecords(world.logFile);
  const journal = script.source === 'ova' ? [] : await world.lab.journal();
  const findings: Finding[] = [
    ...records.findings,
    ...(await judgeBus(world.nats.url, records.all)),
    ...judgeCommands(records, migration, asked),
  ];
  for (const [number, vm] of script.vms.entries()) {
    const ofVm = VmRecords.of(records, migration, number);
    const intruded = intrusions.filter((each) => each.vm === number).map(({ at }) => at);
    findings.push(
      ...judgeHistory(vm.name, ofVm),
      ...(await judgeLeftovers(world, script, sources, { vm, records: ofVm })),
      ...(await judgeConversions(world.conversionJournal, vm)),
    );
    if (script.source !== 'ova') {
      const mine = journal.filter((line) => line.vm === sources.idOf(vm));
      findings.push(...judgeSource({ vm, records: ofVm, journal: mine, intrusions: intruded }));
    }
    if (isComparable(ofVm, intruded)) findings.push(...(await judgeDisks(world, script, sources, vm)));
  }
  return findings;
}

/** What somebody made the source write after the last look at it, the target cannot have. */
function isComparable(records: VmRecords, intrusions: readonly string[]): boolean {
  if (records.end?.type !== 'VmMigrationSucceeded') return false;
  const looked = records.step('StepStarted', 'FinalPowerActions').at(-1)?.time ?? '';
  return !intrusions.some((at) => at > looked);
}
