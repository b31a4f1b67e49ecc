import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProviderSpec, TransferPass } from '@ledgerlift/contracts';
import { AttemptCanceled } from '@ledgerlift/worker';
import type { Run } from '../spec/run.js';
import { VsphereWorld, arrived, withVddk } from '../spec/vsphere.js';

const MiB = 2 ** 20;
const writer = { roundsPerSecond: 300, seed: 3 };
const disks = [{ capacityBytes: 24 * MiB, fill: 1 }];

let world: VsphereWorld;
beforeAll(async () => {
  world = await VsphereWorld.start({
    esxi: true,
    vms: [
      { name: 'off', off: true, disks },
      { name: 'broken-off', off: true, disks, writer },
      { name: 'single', off: true, disks, writer },
      { name: 'busy', disks: [{ capacityBytes: 16 * MiB }], changeTracking: true, writer },
    ],
  });
});
afterAll(() => world.end());

/** One ESXi host, and no vCenter. */
const host = (vddk: object = {}): ProviderSpec =>
  world.provider({
    sdkEndpoint: 'esxi',
    caCertificate: readFileSync(world.vsphere.caFile, 'utf8'),
    vddk,
  });
const started = (vm: string, env = withVddk(), provider = host()): Promise<Run> =>
  world.run(vm, env, { provider });
async function expectEqual(run: Run, vm: string): Promise<void> {
  expect((await arrived(run)).equals(await world.bytesOf(vm))).toBe(true);
}

/** A copy interrupted after its first checkpoints. */
async function brokenOff(vm: string): Promise<Run> {
  const run = await started(vm);
  await run.ask('SourcePowerOff');
  const stop = new AbortController();
  const copying = run.ask('DiskTransfer', {
    signal: stop.signal,
    bandwidthLimit: 8 * MiB,
    onProgress: ([disk]) => {
      if (disk !== undefined && disk.done > 8 * MiB) stop.abort(new AttemptCanceled('enough'));
    },
  });
  await expect(copying).rejects.toBeInstanceOf(AttemptCanceled);
  expect(run.checkpoints[0]?.bytesDone).toBeGreaterThan(0);
  return run;
}

describe('a host without a vCenter', () => {
  it.each([
    ['vddk', withVddk],
    ['datastore', () => ({})],
  ] as const)('is migrated from, cold, by %s', async (way, env) => {
    const run = await started('off', env());
    await run.ask('SourcePowerOff');
    const result = await run.ask('DiskTransfer');
    expect(result.disks.map((disk) => disk.way?.kind)).toEqual([way]);
    await expectEqual(run, 'off');
    await run.ask('Cleanup', { release: run.ledger });
  });

  it('supports warm migrations', async () => {
    const run = await started('busy');
    const copied = async (kind: TransferPass['kind'], round: number) => {
      if (round > 0) await run.ask('SnapshotRemoval', { pass: { kind, round } });
      const { snapshot } = await run.ask('SnapshotCreation', { pass: { kind, round } });
      return run.ask('DiskTransfer', { pass: { kind, round, snapshot } });
    };
    await copied('full', 0);
    const delta = await copied('delta', 1);
    expect(delta.disks[0]?.resumed).toMatch(/went on from another moment: \d+ bytes changed since/);
    await run.ask('SourcePowerOff');
    await copied('final', 2);
    await expectEqual(run, 'busy');
    await run.ask('Cleanup', { release: run.ledger.filter(({ kind }) => kind === 'snapshot') });
    expect((await world.vsphere.vm('busy')).snapshots).toEqual([]);
  });

  it('continues an interrupted copy if the VM stayed off', async () => {
    const run = await brokenOff('broken-off');
    await run.ask('SourcePowerOff');
    const { disks: copied } = await run.ask('DiskTransfer');
    expect(copied[0]?.resumed).toBe('resumed');
    expect(copied[0]?.bytesRead).toBeLessThan(24 * MiB);
    await expectEqual(run, 'broken-off');
  });

  it('does not trust a copy made before a run of the VM that the host has forgotten', async () => {
    const run = await brokenOff('broken-off');
    await world.vsphere.powerOn('broken-off');
    await new Promise((resolve) => setTimeout(resolve, 300));
    await world.vsphere.powerOff('broken-off');
    await expect(run.ask('DiskTransfer')).rejects.toMatchObject({ outcome: 'source-ran' });
    await run.ask('SourcePowerOff');
    const { disks: copied } = await run.ask('DiskTransfer');
    expect(copied[0]?.resumed).toContain('the checkpoint belongs to another moment of the source');
    await expectEqual(run, 'broken-off');
  });
});

describe("the setting 'vddk.singleLink'", () => {
  it('reads a disk of one file, and refuses one whose parents hold data', async () => {
    const provider = host({ singleLink: true });
    const run = await started('single', withVddk(), provider);
    await run.ask('SourcePowerOff');
    await run.ask('DiskTransfer');
    await expectEqual(run, 'single');
    await world.vsphere.snapshotOf('single', 'backup');
    await world.vsphere.powerOn('single');
    await world.vsphere.powerOff('single');
    await run.ask('SourcePowerOff');
    await expect(run.ask('DiskTransfer')).rejects.toMatchObject({
      code: 'LL-VSP-049',
      failure: 'needs-operator',
      field: 'settings.vddk.singleLink',
    });
    const whole = await started('single');
    await whole.ask('SourcePowerOff');
    await whole.ask('DiskTransfer');
    await expectEqual(whole, 'single');
  });
});
