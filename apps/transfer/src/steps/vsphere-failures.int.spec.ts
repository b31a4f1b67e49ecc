import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sourceProvider } from '@ledgerlift/providers';
import type { Run } from '../spec/run.js';
import { VsphereWorld, arrived, nbdkits, withVddk } from '../spec/vsphere.js';

const MiB = 2 ** 20;
const large = { capacityBytes: 32 * MiB, fill: 1 };

let world: VsphereWorld;
beforeAll(async () => {
  world = await VsphereWorld.start({
    vms: [
      { name: 'off', off: true, disks: [large] },
      { name: 'on', disks: [large], changeTracking: true },
    ],
    users: {
      weak: { password: 'w3ak', privileges: ['System.View', 'System.Read', 'System.Anonymous'] },
    },
  });
});
afterAll(() => world.end());
beforeEach(() => world.vsphere.clearFaults());

const off = async (env: Record<string, string>, more = {}): Promise<Run> => {
  const run = await world.run('off', env, more);
  await run.ask('SourcePowerOff');
  return run;
};
const expectEqual = async (run: Run, vm: string): Promise<void> =>
  expect((await arrived(run)).equals(await world.bytesOf(vm))).toBe(true);
/** Waits for a checkpoint. */
async function underWay(run: Run): Promise<void> {
  for (const end = Date.now() + 60_000; (run.checkpoints[0]?.bytesDone ?? 0) === 0; await delay(20))
    if (Date.now() > end) throw new Error('nothing was checkpointed');
}
const kept = (run: Run): number => run.checkpoints[0]?.bytesDone ?? 0;
const quick = { LEDGERLIFT_CHECKPOINT_MS: '100' };

/** Continues the failed copy without reading copied data again. */
async function expectResumed(run: Run, vm: string): Promise<void> {
  const before = kept(run);
  expect(before).toBeGreaterThan(0);
  const { disks } = await run.ask('DiskTransfer');
  expect(disks[0]?.resumed).toBe('resumed');
  expect(disks[0]?.bytesRead).toBe(32 * MiB - before);
  await expectEqual(run, vm);
}

describe('a reader that is killed', () => {
  it.each([
    ['VDDK', withVddk],
    ['curl', () => ({})],
  ] as const)('(%s) is a failure that passes, and the copy goes on from its checkpoint', async (_, env) => {
    const run = await off({ ...env(), ...quick });
    const copying = run.ask('DiskTransfer', { bandwidthLimit: 4 * MiB });
    const failed = expect(copying).rejects.toMatchObject({
      code: 'LL-VSP-040',
      failure: 'transient',
      message: expect.stringContaining('it ended with signal SIGKILL'),
    });
    await underWay(run);
    for (const pid of await nbdkits()) process.kill(pid, 'SIGKILL');
    await failed;
    expect(await nbdkits(0)).toEqual([]);
    await expectResumed(run, 'off');
  });
});

describe('VDDK', () => {
  it('that loses its host is quoted and retried', async () => {
    await world.vsphere.fault({ method: 'VDDK', afterBytes: 12 * MiB });
    const run = await off({ ...withVddk(), ...quick });
    await expect(run.ask('DiskTransfer')).rejects.toMatchObject({
      code: 'LL-VSP-040',
      failure: 'transient',
      message: expect.stringContaining('The host connection was lost'),
    });
    await expectResumed(run, 'off');
  });

  it('that misses its snapshot is distinguished from one that misses a file', async () => {
    const run = await world.run('on', { ...withVddk(), ...quick });
    const { snapshot } = await run.ask('SnapshotCreation', { pass: { kind: 'full', round: 0 } });
    const pass = { kind: 'full', round: 0, snapshot } as const;
    await world.vsphere.fault({ method: 'VDDK', afterBytes: 12 * MiB });
    const copying = run.ask('DiskTransfer', { pass, bandwidthLimit: 4 * MiB });
    const failed = expect(copying).rejects.toMatchObject({ code: 'LL-VSP-010', outcome: 'snapshot-lost' });
    await underWay(run);
    const { spec } = run.record.source.provider;
    const patience = { signal: new AbortController().signal, timeLimitMs: 240_000 };
    await sourceProvider('vsphere')?.snapshots?.remove(spec, run.record.source.vm, snapshot.name, patience);
    await failed;
    await expect(run.ask('DiskTransfer', { pass })).rejects.toMatchObject({ outcome: 'snapshot-lost' });
  });

  it('that cannot log in needs an operator, and reports no password', async () => {
    const provider = world.provider();
    const run = await world.run('off', withVddk(), { provider });
    await run.ask('SourcePowerOff');
    // We are logged in; VDDK logs in again.
    const secret = join(world.folder.file('secrets'), provider.secret?.name ?? '', 'password');
    await writeFile(secret, 'not-the-pass-word');
    const error = await run.ask('DiskTransfer').catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'LL-VSP-041',
      failure: 'needs-operator',
      message: expect.stringContaining('incorrect user name or password'),
    });
    expect(String(error)).not.toContain('not-the-pass-word');
  });

  it('without the privilege to read disks names it', async () => {
    const provider = {
      ...world.provider(),
      secret: world.secretOf({ user: 'weak', password: 'w3ak' }),
    };
    const run = await off(withVddk(), { provider });
    await expect(run.ask('DiskTransfer')).rejects.toMatchObject({
      code: 'LL-VSP-043',
      failure: 'needs-operator',
      message: expect.stringContaining('VirtualMachine.Provisioning.DiskRandomRead'),
    });
    const bare = await off({}, { provider });
    await expect(bare.ask('DiskTransfer')).rejects.toMatchObject({
      code: 'LL-VSP-043',
      message: expect.stringContaining('Datastore.FileManagement'),
    });
  });

  it('that is missing in its folder is skipped with a reason', async () => {
    const env = { ...withVddk(), LEDGERLIFT_VDDK_DIR: world.folder.path };
    const run = await off(env);
    const { disks } = await run.ask('DiskTransfer');
    expect(disks[0]?.way).toEqual({
      kind: 'datastore',
      why: expect.stringMatching(/not vddk: .*lib64 has no libvixDiskLib\.so/),
    });
  });
});

describe('datastore HTTPS', () => {
  it.each([
    ['is cut', () => world.vsphere.fault({ method: 'GET /folder', as: 'cut', skip: 12, times: 4 })],
    [
      'is refused',
      () => world.vsphere.fault({ method: 'GET /folder', as: 'http', status: 503, skip: 12, times: 4 }),
    ],
    ['has forgotten us', async () => {}],
  ])('that %s is retried, and continues from its checkpoint', async (what, spoil) => {
    await spoil();
    const run = await off(quick);
    const copying = run.ask('DiskTransfer', { bandwidthLimit: 4 * MiB });
    const failed = expect(copying).rejects.toMatchObject({ code: 'LL-VSP-040', failure: 'transient' });
    await underWay(run);
    if (what === 'has forgotten us') await world.vsphere.expireSessions();
    await failed;
    await world.vsphere.clearFaults();
    await expectResumed(run, 'off');
  });
});
