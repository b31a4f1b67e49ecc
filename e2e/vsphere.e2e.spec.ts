import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PlanSpecInput } from '@ledgerlift/contracts';
import { startVsphere, vddkPlugin, type Vsphere } from '@ledgerlift/testing';
import { Installation } from './installation/installation.js';
import { disksAreEqual, judgeLog, missingOnBus } from './installation/judge.js';

const MiB = 1024 * 1024;
let at: Installation;
let vsphere: Vsphere;

beforeAll(async () => {
  vsphere = await startVsphere({ vms: 0, maxAreas: 3 });
  const { plugin, libdir } = vddkPlugin();
  at = await Installation.start({
    env: { LEDGERLIFT_VDDK_DIR: libdir, LEDGERLIFT_VDDK_PLUGIN: plugin },
    secrets: { vcenter: vsphere.admin },
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
}, 120_000);
afterAll(async () => {
  await at[Symbol.asyncDispose]();
  await vsphere.stop();
}, 60_000);

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
const cutover = (migration: string) => at.call('vms.cutover', { params: { migration, vm: 0 }, body: {} });

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
    await cutover(migration);
    await at.succeeded(migration);
    const now = await vsphere.vm(vm);
    expect(now).toMatchObject({ power: 'poweredOff', snapshots: [] });
    expect(await areEqual(vm, 'web')).toEqual([true, true]);
    const { findings, ids } = await judgeLog(at.logFile);
    expect(findings).toBe(0);
    expect(await missingOnBus(at.nats.url, ids)).toEqual([]);
    expect(readFileSync(at.logFile).includes(vsphere.admin.password)).toBe(false);
  }, 90_000);

  it('cold: powered off, and read as it is', async () => {
    const vm = await running('cold');
    await at.succeeded(await migrate('cold', { type: 'cold' }));
    expect(await areEqual(vm, 'cold')).toEqual([true, true]);
    expect((await vsphere.vm(vm)).power).toBe('poweredOff');
  }, 90_000);

  it('whose change tracking is reset is compared, and loses nothing', async () => {
    const vm = await running('reset');
    const migration = await migrate('reset');
    await at.until(migration, ({ state }) => state === 'waiting');
    await vsphere.resetCbt(vm);
    await at.until(migration, ({ warm }) => (warm?.round ?? 0) >= 3);
    await cutover(migration);
    await at.succeeded(migration);
    expect(await areEqual(vm, 'reset')).toEqual([true, true]);
  }, 90_000);

  it('with snapshots of others in the middle, and moved to another host, loses nothing and leaves theirs', async () => {
    const vm = await running('busy');
    const migration = await migrate('busy');
    await at.until(migration, ({ state }) => state === 'waiting');
    await vsphere.snapshotOf(vm, 'nightly backup');
    const { host } = await vsphere.vm(vm);
    await vsphere.vmotion(vm, host === 'DC0_C0_H0' ? 'DC0_C0_H1' : 'DC0_C0_H0');
    await at.until(migration, ({ warm }) => (warm?.round ?? 0) >= 3);
    await cutover(migration);
    await at.succeeded(migration);
    expect(await areEqual(vm, 'busy')).toEqual([true, true]);
    expect((await vsphere.vm(vm)).snapshots.map(({ name }) => name)).toEqual(['nightly backup']);
  }, 90_000);

  it('that is canceled leaves the source as it was', async () => {
    const vm = await running('gone');
    const migration = await migrate('gone');
    await at.until(migration, ({ state }) => state === 'waiting');
    await at.call('vms.cancel', { params: { migration, vm: 0 }, body: {} });
    expect((await at.ended(migration, 30_000)).status).toBe('canceled');
    expect(await vsphere.vm(vm)).toMatchObject({ power: 'poweredOn', snapshots: [] });
  }, 60_000);
});
