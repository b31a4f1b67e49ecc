import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProviderSpec, TransferPass } from '@ledgerlift/contracts';
import { sourceProvider } from '@ledgerlift/providers';
import type { Run } from '../spec/run.js';
import { VsphereWorld, arrived, withVddk } from '../spec/vsphere.js';

const MiB = 2 ** 20;
const password = 'hunter2 & co';
const role = (...kinds: string[]): readonly string[] => {
  const request = { name: 'ledgerlift', kinds, format: 'json', isVariant: false };
  const text = sourceProvider('vsphere')?.role?.text(request) ?? '';
  return (JSON.parse(text) as { privileges: { id: string }[] }).privileges.map(({ id }) => id);
};
const cold = role('cold');
const blind = 'VirtualMachine.Provisioning.GetVmFiles';
const disks = [{ capacityBytes: 8 * MiB }, { capacityBytes: 3 * MiB }];

let world: VsphereWorld;
beforeAll(async () => {
  world = await VsphereWorld.start({
    users: {
      cold: { password, privileges: cold },
      warm: { password, privileges: role('warm', 'retire') },
      blind: { password, privileges: cold.filter((id) => id !== blind) },
    },
    vms: [
      { name: 'flat', disks },
      { name: 'chained', off: true, disks },
      { name: 'busy', disks, writer: { roundsPerSecond: 200, seed: 3 } },
    ],
  });
  await world.vsphere.snapshotOf('chained', 'backup');
});
afterAll(() => world.end());

const providerOf = (user: string): ProviderSpec => ({
  ...world.provider({ caCertificate: readFileSync(world.vsphere.caFile, 'utf8') }),
  secret: world.secretOf({ user, password }),
});
const expectEqual = async (run: Run, vm: string): Promise<void> => {
  for (const index of run.record.disks.keys())
    expect((await arrived(run, index)).equals(await world.bytesOf(vm, index))).toBe(true);
};

describe('a user with exactly the printed role', () => {
  it.each([
    ['vddk', 'flat', withVddk],
    ['datastore', 'flat', () => ({})],
    ['nfc', 'chained', () => ({})],
  ] as const)('migrates cold, by %s', async (way, vm, env) => {
    const run = await world.run(vm, env(), { provider: providerOf('cold') });
    await run.ask('SourcePowerOff');
    const { disks: read } = await run.ask('DiskTransfer');
    expect(read.map((disk) => disk.way?.kind)).toEqual([way, way]);
    await expectEqual(run, vm);
    await run.ask('SourcePowerOn');
    expect((await world.vsphere.vm(vm)).power).toBe('poweredOn');
    await world.vsphere.powerOff(vm);
  });

  it('cannot read disks by VDDK without its privilege, and the error names it', async () => {
    const run = await world.run('flat', withVddk(), { provider: providerOf('blind') });
    await run.ask('SourcePowerOff');
    await expect(run.ask('DiskTransfer')).rejects.toMatchObject({
      code: 'LL-VSP-043',
      message: expect.stringContaining(blind),
    });
  });

  it('migrates a VM without change tracking warm, and retires it', async () => {
    const provider = providerOf('warm');
    expect(await sourceProvider('vsphere')?.check(provider)).toEqual(
      ['VApp.Export', 'Datastore.Browse', 'Datastore.FileManagement'].map((item) =>
        expect.objectContaining({ item, code: 'LL-VSP-020', category: 'Warn' }),
      ),
    );
    const settings = {
      warm: { enableChangeTracking: true },
      shutdown: { timeLimitMs: 100 },
      retireSource: { disconnectNics: true, renameSuffix: '-moved', tag: 'moved' },
    };
    const run = await world.run('busy', withVddk(), { provider, settings });
    const passed = async (kind: TransferPass['kind'], round: number): Promise<void> => {
      if (round > 0) await run.ask('SnapshotRemoval', { pass: { kind, round } });
      const { snapshot } = await run.ask('SnapshotCreation', { pass: { kind, round } });
      await run.ask('DiskTransfer', { pass: { kind, round, snapshot } });
    };
    await passed('full', 0);
    await passed('delta', 1);
    await world.vsphere.ignoreShutdown('busy');
    await run.ask('SourcePowerOff');
    await passed('final', 2);
    await expectEqual(run, 'busy');
    await run.ask('Cleanup', { release: run.ledger.filter(({ kind }) => kind === 'snapshot') });
    const { did } = await run.ask('SourceRetirement');
    expect(did).toEqual([
      expect.stringContaining('disconnected'),
      "renamed to 'busy-moved'",
      "tagged 'moved'",
    ]);
    expect((await world.vsphere.vm('busy-moved')).snapshots).toEqual([]);
  });
});
