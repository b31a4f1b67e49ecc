import { copyFile, rm } from 'node:fs/promises';
import type { VmView } from '@ledgerlift/contracts';
import { applyStubMarker } from '@ledgerlift/testing';
import { judgeCommands } from '../faults/judge/history.js';
import { VmRecords, readRecords } from '../faults/judge/records.js';
import { isNear } from '../faults/judge/source.js';
import { judgeHookProcesses, type SourceEffect } from '../faults/rules/laws/facts.js';
import { judgeRules } from '../faults/rules/laws/laws.js';
import type { Instants } from '../faults/rules/plan.js';
import type { Asked } from '../faults/run/operator.js';
import { disksAreEqual } from '../installation/judge.js';
import type { RunScript } from './script.js';
import { FOREIGN, GONE_BACK_TO } from './strike.js';
import type { World } from './world.js';

export type FindingKind = 'unequal' | 'snapshots' | 'power' | 'rules' | 'stuck';
export interface Finding {
  readonly kind: FindingKind;
  readonly what: string;
}

export interface Ended {
  readonly view: VmView;
  readonly migration: string;
  readonly moref: string;
  readonly instants: Instants | undefined;
  readonly asked: readonly Asked[];
  /** When somebody else reverted the VM. */
  readonly reverts: readonly string[];
}

/** What the simulator holds, and what it noted, against what must be. */
export async function judged(world: World, script: RunScript, ended: Ended): Promise<readonly Finding[]> {
  const { vsphere } = world;
  const findings: Finding[] = [...(await judgedRules(world, script, ended))];
  const now = await vsphere.vm(ended.moref);
  const ours = now.snapshots.filter(({ name }) => name !== FOREIGN && name !== GONE_BACK_TO);
  if (ours.length > 0)
    findings.push({
      kind: 'snapshots',
      what: `${script.name} has ${ours.map(({ name }) => name).join(', ')}`,
    });
  const hasSucceeded = ended.view.state === 'succeeded';
  const power = hasSucceeded ? 'poweredOff' : 'poweredOn';
  if (now.power !== power)
    findings.push({ kind: 'power', what: `${script.name} is ${now.power}, not ${power}` });
  if (!hasSucceeded) return findings;
  // A disk that has grown is listed last; its key stays.
  const disks = now.disks.toSorted((one, other) => one.key - other.key);
  return [...findings, ...(await judgedDisks(world, script, disks))];
}

async function judgedDisks(
  { at }: World,
  script: RunScript,
  disks: readonly { readonly hostFile: string }[],
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [index, { hostFile }] of disks.entries()) {
    const expected = at.folder.file(`${script.name}-${index}.expected`);
    await copyFile(hostFile, expected);
    if (script.converts) await applyStubMarker(expected, index);
    const target = at.folder.file('out', 'default', script.name, `${script.name}-disk-${index}.raw`);
    if (!disksAreEqual(expected, target))
      findings.push({
        kind: 'unequal',
        what: `disk ${index} of ${script.name} is not what its source holds`,
      });
    await rm(expected);
  }
  return findings;
}

async function judgedRules(
  { at, vsphere, hookJournal }: World,
  { name, rules }: RunScript,
  { migration, moref, instants, asked, reverts }: Ended,
): Promise<readonly Finding[]> {
  const records = await readRecords(at.logFile);
  const names = new Set(rules.hooks.map((hook) => hook.name));
  const found = [
    ...records.findings,
    ...judgeCommands(records, migration, asked),
    ...(await judgeHookProcesses(hookJournal.path, rules.hooks)),
    ...judgeRules({
      rules,
      warm: true,
      instants,
      asked,
      run: records.all.filter(({ stream }) => stream === `migration-${migration}`),
      calls: (await hookJournal.lines()).filter(({ hook }) => names.has(hook)),
      vms: [
        {
          name,
          index: 0,
          records: VmRecords.of(records, migration, 0),
          effects: (await vsphere.journal()).flatMap((each): readonly SourceEffect[] => {
            const { effect, at: time } = each;
            const isOurs = each.vm === moref && each.name !== FOREIGN && each.name !== GONE_BACK_TO;
            const isCounted =
              effect === 'power-on' || effect === 'power-off' || effect === 'snapshot-created';
            return isOurs && isCounted && !isNear(reverts, time) ? [{ effect, time }] : [];
          }),
        },
      ],
    }),
  ];
  return found.map(({ what }) => ({ kind: 'rules', what }));
}
