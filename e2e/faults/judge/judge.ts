import { judgeRules } from '../rules/laws/laws.js';
import { judgeHookProcesses, type SourceEffect } from '../rules/laws/facts.js';
import type { Instants } from '../rules/plan.js';
import type { RunScript } from '../script/script.js';
import type { Asked } from '../run/operator.js';
import type { Finding } from '../run/finding.js';
import type { Scene } from '../run/strike.js';
import { judgeBus } from './bus.js';
import { judgeCommands, judgeHistory } from './history.js';
import { judgeConversions, judgeDisks } from './disks.js';
import { judgeLeftovers } from './leftovers.js';
import type { JournalLine } from '../run/sources.js';
import { type Records, VmRecords, readRecords } from './records.js';
import { isNear, judgeSource } from './source.js';

export interface RunFacts {
  readonly script: RunScript;
  readonly instants: Instants | undefined;
  readonly migration: string;
  readonly asked: readonly Asked[];
}

/** Everything that must hold once all VMs of a run are at an end. */
export async function judge(scene: Scene, facts: RunFacts): Promise<readonly Finding[]> {
  const { script, migration, asked } = facts;
  const { world, sources, intrusions } = scene;
  const records = await readRecords(world.log);
  const journal = script.source === 'ova' ? [] : await world.lab.journal();
  const findings: Finding[] = [
    ...records.findings,
    ...(await judgeBus(world.bus.url, records.all, async () => (await readRecords(world.log)).all)),
    ...judgeCommands(records, migration, asked),
  ];
  for (const [number, vm] of script.vms.entries()) {
    const ofVm = VmRecords.of(records, migration, number);
    const intruded = intrusionsOf(intrusions, number);
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
  return [
    ...findings,
    ...(await judgeRulesOf(scene, facts, { records, journal })),
    ...(await judgeHookProcesses(world.hookJournal.path, script.rules.hooks)),
  ];
}

async function judgeRulesOf(
  { world, sources, intrusions }: Scene,
  { script, instants, migration, asked }: RunFacts,
  { records, journal }: { readonly records: Records; readonly journal: readonly JournalLine[] },
): Promise<readonly Finding[]> {
  const names = new Set(script.rules.hooks.map(({ name }) => name));
  const lines = await world.hookJournal.lines();
  return judgeRules({
    rules: script.rules,
    warm: script.source === 'lab-warm',
    instants,
    asked,
    run: records.all.filter(({ stream }) => stream === `migration-${migration}`),
    calls: lines.filter(({ hook }) => names.has(hook)),
    vms: script.vms.map((vm, index) => ({
      name: vm.name,
      index,
      records: VmRecords.of(records, migration, index),
      effects: journal.flatMap(({ vm: id, effect, time }): readonly SourceEffect[] => {
        const isOurs = id === sources.idOf(vm) && !isNear(intrusionsOf(intrusions, index), time);
        return isOurs && isSourceEffect(effect) ? [{ effect, time }] : [];
      }),
    })),
  });
}

const isSourceEffect = (effect: string): effect is SourceEffect['effect'] =>
  ['power-on', 'power-off', 'snapshot-created'].includes(effect);

const intrusionsOf = (all: Scene['intrusions'], vm: number): readonly string[] =>
  all.filter((each) => each.vm === vm).map(({ at }) => at);

/** What somebody made the source write after the last look at it, the target cannot have. */
function isComparable(records: VmRecords, intrusions: readonly string[]): boolean {
  if (records.end?.type !== 'VmMigrationSucceeded') return false;
  const looked = records.step('StepStarted', 'FinalPowerActions').at(-1)?.time ?? '';
  return !intrusions.some((at) => at > looked);
}
