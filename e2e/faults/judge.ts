import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import type { VmView } from '@ledgerlift/contracts';
import { applyStubMarker } from '@ledgerlift/testing';
import { disksAreEqual, filesBelow } from '../installation/judge.js';
import { askUntil } from './ask.js';
import type { Session } from './session.js';
import type { VmUnderTest } from './vms.js';

export interface Finding {
  readonly kind: 'lost' | 'doubled' | 'leaked' | 'stuck';
  readonly what: string;
}

/** Looks at the world, not at our own word: disks, files, the lab and its journal. */
export async function judgeVm(session: Session, vm: VmUnderTest): Promise<readonly Finding[]> {
  const { at } = session;
  const asked = await askUntil(at.url, 'vms.get', { migration: vm.migration, vm: 0 });
  if (asked.kind === 'refused') return [{ kind: 'lost', what: `${vm.name}: ${asked.why}` }];
  const { out: view } = asked;
  const findings: Finding[] = [];
  const say = (kind: Finding['kind'], what: string): void => {
    findings.push({ kind, what: `${vm.name} (${vm.kind}, ${view.state}): ${what}` });
  };
  if (vm.acknowledged.has('cancel') && view.state !== 'canceled' && !vm.acknowledged.has('rollback'))
    say('lost', 'a cancel was acknowledged');
  if (view.state === 'succeeded' && !(await ranSince(session, vm, view))) await judgeDisks(session, vm, say);
  judgeFiles(session, vm, view, say);
  if (vm.labId !== undefined) await judgeSource(session, vm, vm.labId, view, say);
  return findings;
}

/** Somebody started the source once all was over: what it holds by now is not what was migrated. */
async function ranSince({ lab }: Session, vm: VmUnderTest, { endedAt = '' }: VmView): Promise<boolean> {
  if (!vm.intruded) return false;
  const journal = (await lab.journal()) as readonly { vm?: string; effect: string; time: string }[];
  const last = journal.findLast(({ vm: of, effect }) => of === vm.labId && effect === 'power-on');
  return last !== undefined && last.time > endedAt;
}

type Say = (kind: Finding['kind'], what: string) => void;

async function judgeDisks({ at, lab, out }: Session, vm: VmUnderTest, say: Say): Promise<void> {
  for (let index = 0; index < vm.disks; index += 1) {
    const target = `${out}/default/${vm.name}/${vm.name}-disk-${index}.raw`;
    if (!existsSync(target)) {
      say('lost', `${target} is not there`);
      continue;
    }
    const expected = at.folder.file('judged', `${vm.name}-${index}.raw`);
    if (vm.labId === undefined) await copyFile(at.folder.file('ova.raw'), expected);
    else {
      const source = `${lab.folder}/vms/${vm.labId}/disk-${index}.qcow2`;
      execFileSync('qemu-img', ['convert', '-U', '-f', 'qcow2', '-O', 'raw', source, expected]);
    }
    if (vm.isConverted) await applyStubMarker(expected, index);
    if (!disksAreEqual(expected, target)) say('lost', `${target} is not what the source holds (${expected})`);
    else await rm(expected);
  }
}

/** What lies in the VM's folder is listed as kept, and what is kept lies there. */
function judgeFiles({ out }: Session, vm: VmUnderTest, view: VmView, say: Say): void {
  const folder = `default/${vm.name}`;
  const found = existsSync(`${out}/${folder}`) ? filesBelow(`${out}/${folder}`) : [];
  const kept = new Set(view.kept.map(({ name }) => name));
  for (const file of found) {
    if (file !== '.ledgerlift.json' && !kept.has(`${folder}/${file}`)) say('leaked', `${folder}/${file}`);
  }
  if (view.state === 'canceled' && found.length > 0 && view.kept.length === 0)
    say('leaked', `the folder of a canceled VM: ${found.join(', ')}`);
  for (const { kind, name } of view.kept) {
    if (kind === 'disk' && !existsSync(`${out}/${name}`)) say('lost', `${name} is kept, and not there`);
  }
}

async function judgeSource(
  { lab }: Session,
  vm: VmUnderTest,
  labId: string,
  view: VmView,
  say: Say,
): Promise<void> {
  const { power, snapshots } = (await lab.do('GET', `/vms/${labId}`)) as {
    readonly power: string;
    readonly snapshots: readonly { readonly name: string }[];
  };
  const kept = new Set(view.kept.map(({ name }) => name));
  for (const { name } of snapshots) if (!kept.has(name)) say('leaked', `the snapshot ${name} at the source`);
  if (view.state === 'succeeded' && power !== 'off' && !vm.intruded)
    say('doubled', 'the source runs beside its target');
  const isBack = view.state === 'canceled' || view.state === 'rolled-back';
  const isExplained = view.conditions.some(({ type }) => type === 'NotDoneAtTheEnd');
  if (isBack && vm.wasOn && power !== 'on' && !isExplained) say('lost', 'the source was left off');
  const made = new Set<string>();
  for (const line of await lab.journal()) {
    const { vm: of, effect, snapshot } = line as { vm?: string; effect: string; snapshot?: string };
    if (of !== labId || snapshot === undefined) continue;
    if (effect === 'snapshot-created' && made.has(snapshot)) say('doubled', `the snapshot ${snapshot}`);
    if (effect === 'snapshot-created') made.add(snapshot);
    if (effect === 'snapshot-removed') made.delete(snapshot);
  }
}
