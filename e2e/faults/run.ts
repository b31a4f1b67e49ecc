import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { VmView } from '@ledgerlift/contracts';
import { Chance } from '@ledgerlift/testing';
import { ask, askUntil } from './ask.js';
import { faults, vmFaults } from './faults.js';
import { type Finding, judgeVm } from './judge.js';
import type { Session } from './session.js';
import { type VmUnderTest, begin } from './vms.js';

/** From the end of the faults on, so long may a VM take to be at an end. */
const SETTLE_MS = 60_000;
const ENDS: readonly VmView['state'][] = ['succeeded', 'failed', 'canceled', 'rolled-back'];

export interface RunResult {
  readonly struck: readonly string[];
  readonly findings: readonly Finding[];
}

/** One random history of a few VMs, from one seed. */
export async function runFaults(session: Session, seed: number): Promise<RunResult> {
  const chance = new Chance(seed);
  const struck: string[] = [];
  const vms: VmUnderTest[] = [];
  const count = 1 + chance.below(3);
  for (let index = 0; index < count; index += 1)
    vms.push(await begin(session, chance, `vm-${seed}-${index}`));
  const strikes = 2 + chance.below(4);
  const operator = operate(session, vms, new Chance(seed + 1), strikes * 3);
  for (let strike = 0; strike < strikes; strike += 1) {
    await delay(chance.below(1200));
    const fault = chance.weighted(faults);
    struck.push(fault.name);
    await fault.strike(session, chance);
    const victim = chance.pick(vms);
    if (victim.labId !== undefined && chance.once(4)) await chance.pick(vmFaults)(session, victim.labId);
  }
  await operator;
  await session.heal();
  const findings = (await Promise.all(vms.map((vm) => settle(session, vm)))).flat();
  if (findings.length > 0) return { struck, findings };
  const judged = (await Promise.all(vms.map((vm) => judgeVm(session, vm)))).flat();
  // The disk is small, and other runs want some of it.
  if (judged.length === 0)
    for (const { name } of vms) rmSync(`${session.out}/default/${name}`, { recursive: true, force: true });
  return { struck, findings: judged };
}

/** What an operator throws in, whether anybody listens or not. */
async function operate(
  { at, lab }: Session,
  vms: readonly VmUnderTest[],
  chance: Chance,
  times: number,
): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    await delay(chance.below(700));
    const vm = chance.pick(vms);
    const params = { migration: vm.migration, vm: 0 };
    const what = chance.weighted([
      [3, 'vms.cutover' as const],
      [2, 'vms.pause' as const],
      [2, 'vms.resume' as const],
      [1, 'vms.test-boot' as const],
      [0.4, 'vms.cancel' as const],
      [2, 'vms.retry' as const],
      [0.5, 'vms.rollback' as const],
      [0.3, 'intrude' as const],
    ]);
    if (what === 'intrude') {
      if (vm.labId === undefined) continue;
      vm.intruded = true;
      await lab.request('POST', `/vms/${vm.labId}/power`, { action: 'on' }).catch(() => undefined);
      continue;
    }
    const asked = await ask(at.url, what, params, {});
    if (asked.kind !== 'done') continue;
    if (what === 'vms.cancel') vm.acknowledged.add('cancel');
    if (what === 'vms.rollback') vm.acknowledged.add('rollback');
  }
}

/** Lets go on what is stopped, asks again for what failed, and waits for the end. */
async function settle({ at }: Session, vm: VmUnderTest): Promise<readonly Finding[]> {
  const params = { migration: vm.migration, vm: 0 };
  let last: VmView | undefined;
  for (const deadline = Date.now() + SETTLE_MS; Date.now() < deadline; await delay(150)) {
    const asked = await askUntil(at.url, 'vms.get', params);
    if (asked.kind === 'refused') return [{ kind: 'lost', what: `${vm.name}: ${asked.why}` }];
    last = asked.out;
    const { state } = last;
    if (state === 'paused') await ask(at.url, 'vms.resume', params, {});
    else if (state === 'waiting') await ask(at.url, 'vms.cutover', params, {});
    else if (state === 'held' || (state === 'failed' && last.rollback === undefined))
      await ask(at.url, 'vms.retry', params, {});
    else if (state === 'failed') await ask(at.url, 'vms.rollback', params, {});
    else if (ENDS.includes(state)) return [];
  }
  const { state, pipeline, conditions } = last ?? {};
  const errors = pipeline
    ?.filter(({ error, status }) => error !== undefined || status !== 'Completed')
    .slice(0, 3);
  const why = JSON.stringify({ state, errors, conditions: conditions?.slice(-2) });
  return [{ kind: 'stuck', what: `${vm.name} (${vm.kind}): ${why}` }];
}
