import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { PlanSpecInput } from '@ledgerlift/contracts';
import { startVsphere, vddkPlugin, type Vsphere } from '@ledgerlift/testing';
import { Installation } from './installation/installation.js';
import { disksAreEqual, judgeLog, missingOnBus } from './installation/judge.js';
import { root } from './installation/root.js';
import { SecretWatch } from './installation/secret-watch.js';

const MiB = 1024 * 1024;
let at: Installation;
let vsphere: Vsphere;
let watch: SecretWatch;

const user = { user: 'ledgerlift@vsphere.local', password: `S3cret&<of>-${randomUUID()}` };
const { plugin, libdir } = vddkPlugin();
const vddk = { LEDGERLIFT_VDDK_DIR: libdir, LEDGERLIFT_VDDK_PLUGIN: plugin };

/** What the command prints, whether it finds something missing or not. */
async function ledgerlift(...args: readonly string[]): Promise<string> {
  const main = join(root, 'apps', 'cli', 'dist', 'main.js');
  const command = join(root, 'node_modules', '.bin', 'node');
  const env = { ...process.env, NODE_OPTIONS: '', ...vddk };
  const { stdout } = await promisify(execFile)(command, [main, ...args], { env }).catch((error: unknown) => {
    if ((error as { readonly code?: unknown }).code === 1) return error as { readonly stdout: string };
    throw error;
  });
  return stdout;
}

beforeAll(async () => {
  // All of it is done by a user with the role that is printed, and no more.
  const role = JSON.parse(
    await ledgerlift('vsphere', 'role', '--for', 'cold,warm,retire', '--format', 'json'),
  ) as { readonly privileges: readonly { readonly id: string }[] };
  const privileges = role.privileges.map(({ id }) => id);
  vsphere = await startVsphere({
    vms: 0,
    maxAreas: 3,
    users: { ledgerlift: { password: user.password, privileges } },
  });
  watch = await SecretWatch.withCoreDumps();
  at = await Installation.start({
    env: { ...vddk, LEDGERLIFT_VDDK_READS: vsphere.dataFolder },
    secrets: { vcenter: user },
  });
  await at.prepare({
    source: {
      name: 'vcenter',
      type: 'vsphere',
      secret: { name: 'vcenter' },
      settings: { url: vsphere.url, thumbprint: vsphere.thumbprint },
    },
    storage: 'LocalDS_0',
  });
  await watch.begin(at, user);
});
afterEach(() => watch.lookAtLogs());
afterAll(async () => {
  await watch.end();
  await at[Symbol.asyncDispose]();
  await vsphere.stop();
});

/** A VM with two disks that runs and writes. */
async function running(name: string, more: object = {}): Promise<string> {
  const { moref } = await vsphere.addVm({
    name,
    changeTracking: true,
    tools: { status: 'running', ip: '10.0.0.7', hostName: name },
    disks: [{ capacityBytes: 16 * MiB }, { capacityBytes: 8 * MiB, fill: 0.1 }],
    writer: { roundsPerSecond: 50, seed: 1 },
    ...more,
  });
  return moref;
}

const migrate = (name: string, change: Partial<PlanSpecInput> = {}): Promise<string> =>
  at.migrate(name, [name], {
    source: 'vcenter',
    type: 'warm',
    skipGuestConversion: true,
    warm: { precopyIntervalMs: 300 },
    ...change,
  });

/** Of each disk of the VM, whether the target holds what it holds now. */
async function areEqual(vm: string, name: string): Promise<readonly boolean[]> {
  const { disks } = await vsphere.vm(vm);
  const target = at.folder.file('out', 'default', name);
  return disks.map(({ hostFile }, index) => disksAreEqual(hostFile, `${target}/${name}-disk-${index}.raw`));
}

describe('a VM of vSphere, migrated through all four services', () => {
  it('warm: copied while it runs, round after round, and cut over by command', async () => {
    const vm = await running('web');
    const migration = await migrate('web');
    await at.until(migration, ({ warm }) => (warm?.round ?? 0) >= 3);
    expect((await vsphere.vm(vm)).power).toBe('poweredOn');
    await at.cutover(migration);
    await at.succeeded(migration);
    const now = await vsphere.vm(vm);
    expect(now).toMatchObject({ power: 'poweredOff', snapshots: [] });
    expect(await areEqual(vm, 'web')).toEqual([true, true]);
    const { findings, ids } = await judgeLog(at.logFile);
    expect(findings).toBe(0);
    expect(await missingOnBus(at.nats.url, ids)).toEqual([]);
  });

  it('cold: powered off, and read as it is', async () => {
    const vm = await running('cold');
    const retireSource = { disconnectNics: true, renameSuffix: '-moved', tag: 'moved' };
    const migration = await migrate('cold', { type: 'cold', retireSource });
    await at.succeeded(migration);
    expect(await areEqual(vm, 'cold')).toEqual([true, true]);
    expect(await vsphere.vm(vm)).toMatchObject({ power: 'poweredOff', name: 'cold-moved' });
    const { vms } = await at.call('providers.refresh', { params: { provider: 'vcenter' } });
    expect(vms.find(({ id }) => id === vm)?.tags).toEqual(['moved', 'ledgerlift/moved']);
  });

  it('whose change tracking is reset is compared, and loses nothing', async () => {
    const vm = await running('reset');
    const migration = await migrate('reset');
    await at.until(migration, ({ state }) => state === 'waiting');
    await vsphere.resetCbt(vm);
    await at.until(migration, ({ warm }) => (warm?.round ?? 0) >= 3);
    await at.cutover(migration);
    await at.succeeded(migration);
    expect(await areEqual(vm, 'reset')).toEqual([true, true]);
  });

  it('with snapshots of others in the middle, and moved to another host, loses nothing and leaves theirs', async () => {
    const vm = await running('busy');
    const migration = await migrate('busy');
    await at.until(migration, ({ state }) => state === 'waiting');
    await vsphere.snapshotOf(vm, 'nightly backup');
    const { host } = await vsphere.vm(vm);
    await vsphere.vmotion(vm, host === 'DC0_C0_H0' ? 'DC0_C0_H1' : 'DC0_C0_H0');
    await at.until(migration, ({ warm }) => (warm?.round ?? 0) >= 3);
    await at.cutover(migration);
    await at.succeeded(migration);
    expect(await areEqual(vm, 'busy')).toEqual([true, true]);
    expect((await vsphere.vm(vm)).snapshots.map(({ name }) => name)).toEqual(['nightly backup']);
  });

  it('that is canceled leaves the source as it was', async () => {
    const vm = await running('gone');
    const migration = await migrate('gone');
    await at.until(migration, ({ state }) => state === 'waiting');
    await at.call('vms.cancel', { params: { migration, vm: 0 }, body: {} });
    expect((await at.ended(migration)).status).toBe('canceled');
    expect(await vsphere.vm(vm)).toMatchObject({ power: 'poweredOn', snapshots: [] });
  });
});

describe('the doctor', () => {
  it('says how VDDK stands to the vCenter that the planner knows', async () => {
    const printed = await ledgerlift('--url', at.url, 'doctor');
    expect(printed).toMatch(/^vcenter +vSphere 8\.0\.2\.0 /m);
    expect(printed).not.toContain('than the source');
  });
});

// Last, for it is about all that was done before.
describe('the password of the source', () => {
  it('was in no process list, environment, log, event or file', () => {
    expect(watch.lookAtFiles()).toBeGreaterThan(3);
    expect([...watch.processes]).toEqual(expect.arrayContaining(['node', 'nbdkit', 'qemu-nbd']));
    expect([...watch.leaks]).toEqual([]);
  });

  it('would have been in no core dump, of no process that knew it', () => {
    expect([...watch.dumpable]).toEqual([]);
  });
});
