import { mkdir, rmdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PlanSpecInput } from '@ledgerlift/contracts';
import type { LabHypervisor } from '@ledgerlift/testing';
import type { Installation } from './installation/installation.js';
import { judgeLog, missingOnBus } from './installation/judge.js';
import { type LabInstallation, startWithLab } from './installation/lab.js';

const MiB = 1024 * 1024;
let started: LabInstallation;
let at: Installation;
let lab: LabHypervisor;

beforeAll(async () => {
  started = await startWithLab();
  ({ at, lab } = started);
});
afterAll(() => started.end());

/** A VM with two disks that runs and writes. */
async function running(name: string, change: { readonly sizes?: readonly number[] } = {}): Promise<string> {
  const [first = 16, second = 8] = change.sizes ?? [];
  const id = await lab.createVm({
    name,
    nics: [{ id: 'nic-0', name: 'nic', network: 'VM Network' }],
    disks: [
      { id: 'disk-0', capacityBytes: first * MiB, seed: 1, unit: 0 },
      { id: 'disk-1', capacityBytes: second * MiB, seed: 2, unit: 1 },
    ],
    workload: { roundsPerSecond: 20, regionBytes: MiB },
  });
  await lab.power(id, 'on');
  return id;
}

const migrate = (name: string, change: Partial<PlanSpecInput> = {}): Promise<string> =>
  at.migrate(name, [name], {
    source: 'lab',
    type: 'warm',
    skipGuestConversion: true,
    warm: { precopyIntervalMs: 300 },
    ...change,
  });

async function disksAreEqual(id: string, name: string): Promise<readonly boolean[]> {
  const folder = at.folder.file('out', 'default', name);
  return Promise.all(
    [0, 1].map((index) => lab.compare(id, `disk-${index}`, `${folder}/${name}-disk-${index}.raw`, 'raw')),
  );
}

/** Snapshots that the lab has of a VM. */
async function snapshotsOf(id: string): Promise<readonly string[]> {
  const inventory = (await lab.do('GET', '/inventory')) as {
    vms: readonly { id: string; snapshots: readonly { name: string }[]; power: string }[];
  };
  return (inventory.vms.find((vm) => vm.id === id)?.snapshots ?? []).map(({ name }) => name);
}

async function powerOf(id: string): Promise<string | undefined> {
  const inventory = (await lab.do('GET', '/inventory')) as { vms: readonly { id: string; power: string }[] };
  return inventory.vms.find((vm) => vm.id === id)?.power;
}

describe('a warm migration through all four services', () => {
  it('copies while the VM runs, round after round, and is cut over by command', async () => {
    const id = await running('web');
    const migration = await migrate('web');
    await at.until(migration, ({ warm }) => (warm?.round ?? 0) >= 3);
    expect(await powerOf(id)).toBe('on');
    await at.cutover(migration);
    await at.succeeded(migration);
    expect(await powerOf(id)).toBe('off');
    expect(await disksAreEqual(id, 'web')).toEqual([true, true]);
    expect(await snapshotsOf(id)).toEqual([]);
    const { findings, ids } = await judgeLog(at.logFile);
    expect(findings).toBe(0);
    expect(await missingOnBus(at.nats.url, ids)).toEqual([]);
  });

  it('cuts itself over when the expected downtime is within the limit', async () => {
    const id = await running('auto');
    const warm = { precopyIntervalMs: 300, cutover: { by: 'downtime' as const, maxDowntimeMs: 600_000 } };
    await at.succeeded(await migrate('auto', { warm }));
    expect(await disksAreEqual(id, 'auto')).toEqual([true, true]);
  });

  it('is paused in the middle of a copy, and goes on from its checkpoint', async () => {
    const id = await running('slow', { sizes: [32, 8] });
    const migration = await migrate('slow', { bandwidthLimit: 4 * MiB });
    await at.reached(migration, 'DiskTransfer');
    await new Promise((resolve) => setTimeout(resolve, 700));
    await at.call('vms.pause', { params: { migration, vm: 0 }, body: { reason: 'lunch' } });
    const paused = await at.until(migration, ({ state }) => state === 'paused');
    expect(paused.waitingFor).toContain('lunch');
    await at.call('vms.resume', { params: { migration, vm: 0 }, body: {} });
    await at.until(migration, ({ state }) => state === 'waiting');
    const { disks } = await at.vm(migration);
    expect(disks.map(({ resumed }) => resumed)).toContain('resumed');
    await at.cutover(migration);
    await at.succeeded(migration);
    expect(await disksAreEqual(id, 'slow')).toEqual([true, true]);
  });

  it('that is canceled between two passes leaves the source as it was, and nothing else', async () => {
    const id = await running('gone');
    const migration = await migrate('gone');
    await at.until(migration, ({ state }) => state === 'waiting');
    await at.call('vms.cancel', { params: { migration, vm: 0 }, body: {} });
    expect((await at.ended(migration)).status).toBe('canceled');
    expect(await powerOf(id)).toBe('on');
    expect(await snapshotsOf(id)).toEqual([]);
  });

  it('that fails after its cutover powers the source on again, and a retry reads what it wrote since', async () => {
    const id = await running('twice');
    const migration = await migrate('twice', { retry: { maxRetries: 0, baseDelayMs: 100 } });
    await at.until(migration, ({ state }) => state === 'waiting');
    // Nobody can write a file where there is a folder.
    const inTheWay = at.folder.file('out', 'default', 'twice', 'manifests', 'vm.yaml');
    await mkdir(inTheWay, { recursive: true });
    await at.cutover(migration);
    expect((await at.ended(migration)).status).toBe('failed');
    expect(await powerOf(id)).toBe('on');
    await rmdir(inTheWay);
    await at.call('plans.retry', { params: { plan: 'twice' }, body: {} });
    await at.until(migration, ({ state, warm }) => state === 'waiting' && (warm?.round ?? 0) > 1);
    await at.cutover(migration);
    await at.succeeded(migration);
    expect(await powerOf(id)).toBe('off');
    expect(await disksAreEqual(id, 'twice')).toEqual([true, true]);
  });

  it('is looked into before its first copy, where the plan says so', async () => {
    await running('seen');
    const migration = await migrate('seen', { skipGuestConversion: false, inspect: true });
    const { inspection, pipeline } = await at.until(migration, ({ state }) => state === 'waiting');
    expect(inspection).toMatchObject({ family: 'linux' });
    expect(pipeline.map(({ step }) => step).slice(2, 5)).toEqual([
      'SnapshotCreation',
      'PreflightInspection',
      'DiskTransfer',
    ]);
    await at.cutover(migration);
    await at.succeeded(migration);
  });

  it('is rolled back: the target stopped, the source on', async () => {
    const id = await running('back');
    const migration = await migrate('back');
    await at.until(migration, ({ state }) => state === 'waiting');
    await at.cutover(migration);
    await at.succeeded(migration);
    await at.call('vms.rollback', { params: { migration, vm: 0 }, body: { reason: 'it is slow' } });
    const back = await at.until(migration, ({ state }) => state === 'rolled-back');
    expect(back.rollback?.reason).toBe('it is slow');
    expect(await powerOf(id)).toBe('on');
  });

  it('waits for hooks of other systems, and for a second person', async () => {
    await running('asked');
    const migration = await migrate('asked', {
      hooks: [{ name: 'ticket', at: 'before', run: { kind: 'event' } }],
      approve: { cutover: true },
    });
    const waits = await at.until(migration, ({ waitingFor }) => waitingFor?.includes('ticket') === true);
    expect(waits.step).toBe('PreHook');
    await at.call('vms.answer-hook', {
      params: { migration, vm: 0 },
      body: { hook: 'ticket', succeeded: true, said: 'CHG001' },
    });
    await at.until(migration, ({ state }) => state === 'waiting');
    await at.cutover(migration);
    await at.until(migration, ({ waitingFor }) => waitingFor?.includes('second person') === true);
    await expect(at.call('vms.approve', { params: { migration, vm: 0 }, body: {} })).rejects.toThrow(
      /somebody else/,
    );
    await at.call('vms.approve', { params: { migration, vm: 0 }, body: {}, as: 'grace' });
    await at.succeeded(migration);
  });
});
