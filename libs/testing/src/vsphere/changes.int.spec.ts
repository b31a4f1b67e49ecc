import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { open, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Chance } from '../chance.js';
import { type Vsphere, type VsphereDisk, startVsphere } from './index.js';
import { readDisk } from './spec/nbdkit.js';
import { Soap, changeIdOf, changedAreas, createSnapshot, enableCbt } from './spec/soap.js';

const MEBIBYTE = 1024 * 1024;
const BLOCK = 64 * 1024;
const none = { key: 0, capacityBytes: 0 };

let vsphere: Vsphere;
let soap: Soap;
beforeAll(async () => {
  vsphere = await startVsphere({
    maxAreas: 2,
    vms: [
      { name: 'still' },
      { name: 'plain' },
      { name: 'chain', disks: [{ capacityBytes: 4 * MEBIBYTE }], changeTracking: true },
      { name: 'reset', disks: [{ capacityBytes: MEBIBYTE }], changeTracking: true },
      {
        name: 'random',
        disks: [{ capacityBytes: 2 * MEBIBYTE }],
        changeTracking: true,
        writer: { roundsPerSecond: 300, seed: 3 },
      },
      {
        name: 'busy',
        disks: [{ capacityBytes: 8 * MEBIBYTE }, { capacityBytes: 3 * MEBIBYTE + 512 }],
        changeTracking: true,
        writer: { roundsPerSecond: 500, seed: 7 },
      },
    ],
  });
  soap = await Soap.login(vsphere);
});
afterAll(() => vsphere.stop());

/** Writes as the guest would: to the file that the VM has open now. */
async function write(vm: string, offset: number, length: number): Promise<void> {
  const { disks } = await vsphere.vm(vm);
  const file = await open(disks[0]?.hostFile ?? '', 'r+');
  await file.write(Buffer.alloc(length, 1 + (offset % 251)), 0, length, offset);
  await file.close();
}

const diskOf = async (vm: string): Promise<VsphereDisk> => {
  const { disks } = await vsphere.vm(vm);
  if (disks[0] === undefined) throw new Error(`${vm} has no disk`);
  return disks[0];
};
const remove = (snapshot: string) =>
  soap.task(
    'RemoveSnapshot_Task',
    `VirtualMachineSnapshot:${snapshot}`,
    '<removeChildren>false</removeChildren>',
  );
const fault = (type: string) => expect.objectContaining({ type });

describe('changed block tracking', () => {
  it('begins with the stun after it was switched on, and tells exactly what was written', async () => {
    const { moref } = await vsphere.vm('still');
    const before = await createSnapshot(soap, moref, 'before');
    await soap.task('ReconfigVM_Task', `VirtualMachine:${moref}`, enableCbt);
    expect((await diskOf('still')).changeId).toBeUndefined();
    expect(await changeIdOf(soap, before)).toBe('');
    const one = await createSnapshot(soap, moref, 'one');
    await write('still', 3 * BLOCK + 100, 10);
    await write('still', 9 * BLOCK - 1, 2);
    await write('still', 20 * BLOCK, 1);
    const two = await createSnapshot(soap, moref, 'two');
    const disk = await diskOf('still');
    const since = await changeIdOf(soap, one);
    expect(await changedAreas(soap, moref, two, disk, since)).toEqual([
      { offset: 3 * BLOCK, length: BLOCK },
      { offset: 8 * BLOCK, length: 2 * BLOCK },
      { offset: 20 * BLOCK, length: BLOCK },
    ]);
    const all = await changedAreas(soap, moref, two, disk, '*');
    const bytes = await readFile(disk.hostFile);
    for (let offset = 0; offset < bytes.length; offset += BLOCK) {
      const within = all.some((area) => area.offset <= offset && offset < area.offset + area.length);
      expect(within).toBe(bytes.subarray(offset, offset + BLOCK).some((byte) => byte !== 0));
    }
  });

  it('knows nothing of a VM without it, nor of change ids that it did not give', async () => {
    const { moref } = await vsphere.vm('plain');
    const snapshot = await createSnapshot(soap, moref, 'one');
    const disk = await diskOf('plain');
    await expect(changedAreas(soap, moref, snapshot, disk, '*')).rejects.toEqual(fault('FileFault'));
    const still = await vsphere.vm('still');
    const last = still.snapshots.at(-1)?.moref ?? '';
    await expect(changedAreas(soap, still.moref, last, disk, '52 de/1')).rejects.toEqual(
      fault('InvalidArgument'),
    );
    await expect(changedAreas(soap, still.moref, last, { ...disk, key: 1 }, '*')).rejects.toEqual(
      fault('InvalidArgument'),
    );
  });

  it('survives the removal of its snapshots, in any order, with others between', async () => {
    const { moref } = await vsphere.vm('chain');
    const one = await createSnapshot(soap, moref, 'one');
    const since = await changeIdOf(soap, one);
    await write('chain', 0, BLOCK);
    await vsphere.snapshotOf('chain', 'backup software');
    await write('chain', BLOCK, BLOCK);
    const three = await createSnapshot(soap, moref, 'three');
    await write('chain', 2 * BLOCK, BLOCK);
    const now = await readFile((await diskOf('chain')).hostFile);
    const frozen = await readDisk(vsphere, 'chain', { snapshot: three });
    await remove(one);
    const disk = await diskOf('chain');
    expect(await changedAreas(soap, moref, three, disk, since)).toEqual([{ offset: 0, length: 2 * BLOCK }]);
    expect((await readDisk(vsphere, 'chain', { snapshot: three })).equals(frozen)).toBe(true);
    expect((await readFile(disk.hostFile)).equals(now)).toBe(true);
    await remove(three);
    const { disks, snapshots } = await vsphere.vm('chain');
    expect(snapshots.map(({ name }) => name)).toEqual(['backup software']);
    expect((await readFile(disks[0]?.hostFile ?? '')).equals(now)).toBe(true);
    await remove(snapshots[0]?.moref ?? '');
    const last = await diskOf('chain');
    expect(last.file).toBe('[LocalDS_0] chain/disk1.vmdk');
    expect((await readFile(last.hostFile)).equals(now)).toBe(true);
    const four = await createSnapshot(soap, moref, 'four');
    expect(await changedAreas(soap, moref, four, last, since)).toEqual([{ offset: 0, length: 3 * BLOCK }]);
  });

  it('survives whatever order of snapshots and removals', async () => {
    const chance = new Chance(11);
    const { moref, disks } = await vsphere.vm('random');
    const kept = new Map<string, { readonly bytes: Buffer; readonly changeId: string }>();
    const seen: { readonly bytes: Buffer; readonly changeId: string }[] = [];
    for (let step = 0; step < 40; step++) {
      if (kept.size > 5 || (kept.size > 0 && chance.once(3))) {
        const gone = chance.pick([...kept.keys()]);
        await remove(gone);
        kept.delete(gone);
      } else {
        const made = await createSnapshot(soap, moref, `step ${step}`);
        const [file] =
          (await vsphere.vm('random')).snapshots.find((each) => each.moref === made)?.disks ?? [];
        const state = { bytes: await readFile(file?.hostFile ?? ''), changeId: file?.changeId ?? '' };
        kept.set(made, state);
        seen.push(state);
      }
      for (const { moref: left, disks: files } of (await vsphere.vm('random')).snapshots)
        expect(kept.get(left)?.bytes.equals(await readFile(files[0]?.hostFile ?? ''))).toBe(true);
    }
    const [last = ''] = [...kept.keys()].slice(-1);
    const now = kept.get(last)?.bytes ?? Buffer.alloc(0);
    for (const { bytes, changeId } of seen) {
      if (changeId === kept.get(last)?.changeId) break;
      for (const { offset, length } of await changedAreas(soap, moref, last, disks[0] ?? none, changeId))
        now.copy(bytes, offset, offset, offset + length);
      expect(bytes.equals(now)).toBe(true);
    }
  });

  it('forgets every change id when it is reset', async () => {
    const { moref } = await vsphere.vm('reset');
    const one = await createSnapshot(soap, moref, 'one');
    const since = await changeIdOf(soap, one);
    await vsphere.resetCbt('reset');
    const two = await createSnapshot(soap, moref, 'two');
    const disk = await diskOf('reset');
    await expect(changedAreas(soap, moref, two, disk, since)).rejects.toEqual(fault('InvalidArgument'));
    expect((await changeIdOf(soap, two)).split('/')[0]).not.toBe(since.split('/')[0]);
    await changedAreas(soap, moref, two, disk, '*');
  });
});

describe('a VM that is written to all the time', () => {
  it('is copied by its changes, up to the last byte', async () => {
    const { moref, disks } = await vsphere.vm('busy');
    const copies = disks.map(({ capacityBytes }) => Buffer.alloc(capacityBytes));
    let previous: readonly string[] = [];
    for (let round = 0; round < 4; round++) {
      if (round === 3) await soap.task('PowerOffVM_Task', `VirtualMachine:${moref}`);
      const snapshot = await createSnapshot(soap, moref, `round ${round}`);
      const taken = (await vsphere.vm('busy')).snapshots.find((each) => each.moref === snapshot);
      for (const [i, disk] of disks.entries()) {
        const bytes = await readDisk(vsphere, 'busy', { snapshot, disk: i });
        const again = await readDisk(vsphere, 'busy', { snapshot, disk: i });
        expect(bytes.equals(again)).toBe(true);
        const areas = await changedAreas(soap, moref, snapshot, disk, previous[i] ?? '*');
        expect(areas.length).toBeGreaterThan(0);
        for (const { offset, length } of areas)
          bytes.copy(copies[i] ?? Buffer.alloc(0), offset, offset, offset + length);
        expect(copies[i]?.equals(bytes)).toBe(true);
      }
      previous = taken?.disks.map(({ changeId }) => changeId ?? '') ?? [];
      await delay(50);
      if (round > 0) await remove((await vsphere.vm('busy')).snapshots[0]?.moref ?? '');
    }
    const end = await vsphere.vm('busy');
    for (const [i, disk] of end.disks.entries())
      expect((await readFile(disk.hostFile)).equals(copies[i] ?? Buffer.alloc(0))).toBe(true);
  });
});
