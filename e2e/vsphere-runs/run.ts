import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { VmView } from '@ledgerlift/contracts';
import { applyStubMarker } from '@ledgerlift/testing';
import { disksAreEqual } from '../installation/judge.js';
import { root } from '../installation/root.js';
import type { FaultScript, RunScript } from './script.js';
import type { World } from './world.js';

export type FindingKind = 'unequal' | 'snapshots' | 'power' | 'stuck';
export interface Finding {
  readonly kind: FindingKind;
  readonly what: string;
}

const FOREIGN = 'nightly backup';
const GONE_BACK_TO = 'before the patch';
const MiB = 1024 * 1024;
const DEADLINE_MS = 120_000;
/** So often an operator tries again what failed although nothing is broken any more. */
const RETRIES = 6;

/** One VM, from its making to the judgement, which asks the simulator and not our own word. */
export async function doRun(world: World, script: RunScript): Promise<readonly Finding[]> {
  const { at, vsphere } = world;
  const { name } = script;
  const { moref } = await vsphere.addVm({
    name,
    disks: script.disks,
    changeTracking: script.tracking === 'on',
    tools: { status: script.shutdown === 'no-tools' ? 'not-installed' : 'running' },
    ignoreShutdown: script.shutdown === 'ignored',
    writer: { roundsPerSecond: script.writesPerSecond, seed: script.run + 1 },
  });
  const migration = await started(world, script);
  const strikes = script.faults.map((fault) => delay(fault.atMs).then(() => strike(world, moref, fault)));
  const ended = await played(world, script, migration, Promise.all(strikes));
  await Promise.all(strikes);
  if (typeof ended === 'string') return [{ kind: 'stuck', what: ended }];
  const findings = await judged(world, script, moref);
  if (findings.length === 0)
    await rm(at.folder.file('out', 'default', name), { recursive: true, force: true });
  else await keep(world, script, { migration, moref });
  return findings;
}

/** The history of the VM as the log and as the simulator have it, for who looks into a finding. */
async function keep(
  { at, vsphere }: World,
  { seed, run }: RunScript,
  { migration, moref }: { readonly migration: string; readonly moref: string },
): Promise<void> {
  const folder = join(root, 'node_modules', '.cache', 'vsphere-runs', `seed-${seed}-run-${run}`);
  await mkdir(folder, { recursive: true });
  const params = { migration, vm: 0 };
  const history = await at.call('vms.history', { params, query: { limit: 1000 } });
  const journal = (await vsphere.journal()).filter(({ vm }) => vm === moref);
  const kept = { history, journal, vm: await vsphere.vm(moref), view: await at.vm(migration) };
  await writeFile(join(folder, 'kept.json'), JSON.stringify(kept, undefined, 1));
}

async function started(world: World, script: RunScript): Promise<string> {
  const { at } = world;
  const body = {
    name: script.name,
    source: 'vcenter',
    target: 'out',
    networkMapping: 'nets',
    storageMapping: 'disks',
    vms: [{ ref: script.name }],
    type: 'warm' as const,
    skipGuestConversion: !script.converts,
    verify: script.verify,
    retry: { maxRetries: 8, baseDelayMs: 100, maxDelayMs: 1000 },
    warm: { precopyIntervalMs: 200, enableChangeTracking: script.tracking === 'turned-on' },
    shutdown: { timeLimitMs: 1500, then: 'force' as const },
    timeLimits: { snapshotMs: 10_000 },
  };
  return asked(async () => {
    await at.call('plans.create', { body }).catch((error: unknown) => {
      // The answer before was lost, and not what it answered.
      if (!String(error).includes('LL-PLN-102')) throw error;
    });
    const { items } = await at.call('migrations.list', { query: { plan: script.name } });
    return items[0]?.id ?? (await at.call('plans.start', { params: { plan: script.name } })).id;
  });
}

/** Asks again while others' faults hinder: as an operator would. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + 60_000; ; await delay(200)) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

/** @returns what the VM came to, or in words why it came to no end */
async function played(
  { at }: World,
  script: RunScript,
  migration: string,
  strikes: Promise<unknown>,
): Promise<VmView | string> {
  let retries = 0;
  let isAsked = false;
  let isOver = false;
  void strikes.finally(() => (isOver = true));
  const params = { migration, vm: 0 };
  for (const deadline = Date.now() + DEADLINE_MS; ; await delay(100)) {
    const vm = await asked(() => at.vm(migration));
    const isEnd = vm.state === 'succeeded' || vm.state === 'canceled';
    if (isEnd && isOver) return vm;
    if (Date.now() > deadline || retries > RETRIES) {
      const steps = vm.pipeline.filter(({ status }) => status !== 'Pending' && status !== 'Completed');
      return `${script.name} is ${vm.state}, waiting for ${vm.waitingFor ?? 'nothing'}: ${JSON.stringify([vm.error, steps])}`;
    }
    if (!isAsked && (vm.warm?.round ?? 0) >= script.rounds && vm.state !== 'failed') {
      const command = script.end === 'cancel' ? 'vms.cancel' : 'vms.cutover';
      isAsked = await at.call(command, { params, body: {} }).then(
        () => true,
        () => false,
      );
    }
    if (vm.state !== 'failed' && vm.state !== 'held') continue;
    retries += 1;
    await at.call('vms.retry', { params, body: {} }).catch(() => undefined);
    // A retry after the cutover reads the source anew, and is cut over anew.
    if (script.end === 'cutover') isAsked = false;
  }
}

async function strike(world: World, vm: string, fault: FaultScript): Promise<void> {
  const { vsphere } = world;
  switch (fault.kind) {
    case 'task-fails':
      return vsphere.fault({ method: fault.method, object: vm, as: 'task-error', fault: fault.fault });
    case 'call-fails':
      return vsphere.fault({ method: fault.method, as: 'fault', fault: fault.fault });
    case 'call-is-cut':
      return vsphere.fault({ method: fault.method, as: 'cut', after: fault.after });
    case 'call-is-slow':
      return vsphere.fault({ method: fault.method, as: 'delay', ms: fault.ms });
    case 'outage':
      return vsphere.outage(fault.ms);
    case 'session-ends':
      return vsphere.expireSessions();
    case 'tracking-is-reset':
      return vsphere.resetCbt(vm);
    case 'foreign-snapshot':
      return vsphere.snapshotOf(vm, FOREIGN).catch(() => undefined);
    case 'revert':
      // Of a VM that runs: what its owner does to a source that was given up is no business of ours.
      if ((await vsphere.vm(vm)).power !== 'poweredOn') return;
      // What it finds in the way (a task of ours, say) is told to whoever asked for it, and changes nothing.
      await vsphere
        .snapshotOf(vm, GONE_BACK_TO)
        .then(() => vsphere.revert(vm, GONE_BACK_TO))
        .then(() => vsphere.powerOn(vm))
        .catch(() => undefined);
      return;
    case 'events-are-forgotten':
      return vsphere.forgetEvents();
    case 'storage-is-away':
      await vsphere.setStorage(vm, 'away');
      await delay(fault.ms);
      return vsphere.setStorage(vm, 'back');
    case 'disk-grows': {
      const { disks, power } = await vsphere.vm(vm);
      const [disk] = power === 'poweredOn' ? disks : [];
      return disk && vsphere.growDisk(vm, disk.key, disk.capacityBytes + MiB).catch(() => undefined);
    }
    case 'other-host': {
      const { host } = await vsphere.vm(vm);
      const other = ['DC0_C0_H0', 'DC0_C0_H1', 'DC0_C0_H2'].find((name) => name !== host) ?? host;
      return vsphere.vmotion(vm, other).catch(() => undefined);
    }
    case 'other-datastore':
      return vsphere.storageVmotion(vm, 'LocalDS_1').catch(() => undefined);
    case 'reading-is-cut':
      return vsphere.fault({ method: 'VDDK', as: 'cut', afterBytes: fault.afterBytes });
    case 'nbdkit-is-killed':
      world.killNbdkit();
      return;
    case 'worker-is-killed':
      return world.killed('transfer');
    case 'planner-is-killed':
      return world.killed('planner');
  }
}

async function judged({ at, vsphere }: World, script: RunScript, moref: string): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const now = await vsphere.vm(moref);
  const ours = now.snapshots.filter(({ name }) => name !== FOREIGN && name !== GONE_BACK_TO);
  if (ours.length > 0)
    findings.push({
      kind: 'snapshots',
      what: `${script.name} has ${ours.map(({ name }) => name).join(', ')}`,
    });
  const power = script.end === 'cancel' ? 'poweredOn' : 'poweredOff';
  if (now.power !== power)
    findings.push({ kind: 'power', what: `${script.name} is ${now.power}, not ${power}` });
  if (script.end === 'cancel') return findings;
  for (const [index, { hostFile }] of now.disks.entries()) {
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
