import { readFile, readdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TransferPass } from '@ledgerlift/contracts';
import type { Run } from '../spec/run.js';
import { VsphereWorld, arrived, nbdkits, withVddk } from '../spec/vsphere.js';

const MiB = 2 ** 20;

let world: VsphereWorld;
beforeAll(async () => {
  world = await VsphereWorld.start({
    vms: [
      {
        name: 'off',
        off: true,
        disks: [{ capacityBytes: 16 * MiB }, { capacityBytes: 5 * MiB + 512, fill: 0 }],
      },
      { name: 'chained', off: true, disks: [{ capacityBytes: 4 * MiB }, { capacityBytes: 3 * MiB }] },
      { name: 'large', off: true, disks: [{ capacityBytes: 48 * MiB, fill: 1 }] },
      {
        name: 'busy',
        disks: [{ capacityBytes: 16 * MiB }, { capacityBytes: 4 * MiB }],
        changeTracking: true,
        writer: { roundsPerSecond: 300, seed: 3 },
      },
    ],
  });
});
afterAll(() => world.end());

async function expectEqual(run: Run, vm: string): Promise<void> {
  for (const index of run.record.disks.keys())
    expect((await arrived(run, index)).equals(await world.bytesOf(vm, index))).toBe(true);
}

describe('a VM that is off', () => {
  it('is read by VDDK, which knows the allocated extents', async () => {
    const run = await world.run('off', withVddk());
    await run.ask('SourcePowerOff');
    const { disks } = await run.ask('DiskTransfer');
    await expectEqual(run, 'off');
    expect(disks.map(({ way }) => way?.kind)).toEqual(['vddk', 'vddk']);
    expect(disks[0]?.way?.why).toMatch(/^it reads only what is allocated.*VDDK 8.*127\.0\.0\.1:\d+\)$/);
    expect(disks[0]?.bytesRead).toBeLessThan(6 * MiB);
  });

  it('is read completely over HTTPS without VDDK, skipping writes of zeros', async () => {
    const run = await world.run('off', {});
    await run.ask('SourcePowerOff');
    const { disks } = await run.ask('DiskTransfer');
    await expectEqual(run, 'off');
    expect(disks[0]?.way).toEqual({
      kind: 'datastore',
      why: expect.stringContaining('not vddk: LEDGERLIFT_VDDK_DIR is not set'),
    });
    expect(disks[0]?.bytesRead).toBe(16 * MiB);
    expect(disks[1]).toMatchObject({ bytesRead: 5 * MiB + 512, bytesWritten: 0 });
  });

  it('is read over HTTPS by a pinned certificate that curl does not trust', async () => {
    const provider = world.provider({ thumbprint: world.vsphere.thumbprint256 });
    const run = await world.run('off', {}, { provider });
    await run.ask('SourcePowerOff');
    const { disks } = await run.ask('DiskTransfer');
    expect(disks.map(({ way }) => way?.kind)).toEqual(['datastore', 'datastore']);
    await expectEqual(run, 'off');
  });

  it('is exported if its files are a chain, including the data of its deltas', async () => {
    await world.vsphere.powerOn('chained');
    await world.vsphere.snapshotOf('chained', 'backup');
    await world.vsphere.powerOff('chained');
    const { disks } = await world.vsphere.vm('chained');
    await writeFile(disks[0]?.hostFile ?? '', Buffer.alloc(MiB, 7), { flag: 'r+' });
    const run = await world.run('chained', {});
    await run.ask('SourcePowerOff');
    const result = await run.ask('DiskTransfer');
    await expectEqual(run, 'chained');
    expect(result.disks.map(({ way }) => way?.kind)).toEqual(['nfc', 'nfc']);
    expect(result.disks[0]?.way?.why).toContain('not datastore: its file');
    const effects = (await world.vsphere.journal()).map(({ effect }) => effect);
    expect(effects.filter((effect) => effect.startsWith('lease-'))).toEqual([
      'lease-opened',
      'lease-completed',
    ]);
    expect(run.ledger.filter(({ kind }) => kind === 'unpacked-disk')).toHaveLength(2);
  });

  it('is not read once it runs', async () => {
    const run = await world.run('off', {});
    await run.ask('SourcePowerOff');
    await world.vsphere.powerOn('off');
    await expect(run.ask('DiskTransfer')).rejects.toMatchObject({ outcome: 'source-ran' });
    await world.vsphere.powerOff('off');
  });
});

describe('a VM that runs', () => {
  const prepared = async (run: Run, kind: TransferPass['kind'], round: number): Promise<TransferPass> => {
    if (round > 0) await run.ask('SnapshotRemoval', { pass: { kind, round } });
    const { snapshot } = await run.ask('SnapshotCreation', { pass: { kind, round } });
    return { kind, round, snapshot };
  };
  const copied = async (run: Run, kind: TransferPass['kind'], round: number) =>
    run.ask('DiskTransfer', { pass: await prepared(run, kind, round) });

  it('is read from its snapshots while it writes, and every bit arrives', async () => {
    const run = await world.run('busy', withVddk());
    await copied(run, 'full', 0);
    await copied(run, 'delta', 1);
    await delay(200);
    const delta = await copied(run, 'delta', 2);
    expect(delta.disks.map(({ way }) => way?.kind)).toEqual(['vddk', 'vddk']);
    await world.vsphere.powerOff('busy');
    await run.ask('SourcePowerOff');
    await copied(run, 'final', 3);
    await expectEqual(run, 'busy');
    await run.ask('Cleanup', { release: run.ledger.filter(({ kind }) => kind === 'snapshot') });
  });

  it('cannot be read without VDDK, and fails before any copying', async () => {
    await world.vsphere.powerOn('busy');
    const run = await world.run('busy', {});
    const pass = await prepared(run, 'full', 0);
    await expect(run.ask('DiskTransfer', { pass })).rejects.toMatchObject({
      code: 'LL-VSP-046',
      failure: 'needs-operator',
      message: expect.stringMatching(/vddk: LEDGERLIFT_VDDK_DIR is not set.*snapshot of a VM that runs/),
    });
    await run.ask('Cleanup', { release: run.ledger.filter(({ kind }) => kind === 'snapshot') });
  });
});

describe('secrets', () => {
  it.each([
    ['VDDK', withVddk],
    ['curl', () => ({})],
  ] as const)('is in no process list and in no file that has a name, while %s reads', async (_, env) => {
    const run = await world.run('large', env());
    await run.ask('SourcePowerOff');
    const stop = new AbortController();
    const copying = run.ask('DiskTransfer', { signal: stop.signal, bandwidthLimit: 8 * MiB });
    const ended = expect(copying).rejects.toThrow('enough');
    const readers = await nbdkits();
    expect(readers.length).toBeGreaterThan(0);
    for (const reader of readers) {
      const [cmdline, environ, limits] = await Promise.all(
        ['cmdline', 'environ', 'limits'].map((name) => readFile(`/proc/${reader}/${name}`, 'utf8')),
      );
      expect(cmdline).toContain('nbdkit');
      for (const text of [cmdline, environ]) {
        expect(text).not.toContain(world.vsphere.admin.password);
        expect(text).not.toContain('vmware_soap_session');
        expect(text).not.toContain('SECRET');
      }
      expect(limits).toMatch(/Max core file size\s+0\s+0/);
      const fds = await readdir(`/proc/${reader}/fd`);
      const open = await Promise.all(
        fds.map((fd) => readlink(join('/proc', String(reader), 'fd', fd)).catch(() => '')),
      );
      for (const file of open.filter((name) => name.includes('ledgerlift-given-')))
        expect(file).toContain('(deleted)');
    }
    stop.abort(new Error('enough'));
    await ended;
    expect(await nbdkits(0)).toEqual([]);
  });
});
