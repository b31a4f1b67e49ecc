import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { LabHypervisor, type LabVmRequest } from './index.js';
import { stampOf } from './process/workload.js';
import { bring, changeId, changes, readAll, readExport } from './spec/copy.js';

const MIB = 1024 * 1024;
const busy: LabVmRequest = {
  name: 'busy',
  disks: [
    { id: 'a', capacityBytes: 16 * MIB },
    { id: 'b', capacityBytes: 8 * MIB, seed: 2 },
  ],
  workload: { roundsPerSecond: 400 },
};

let lab: LabHypervisor;
beforeAll(async () => {
  lab = await LabHypervisor.start();
});
afterAll(() => lab.stop());

const at = (vm: string, snapshot: string, disk = 'a') => ({ vm, snapshot, disk });

async function runningVm(more: Partial<LabVmRequest> = {}): Promise<string> {
  const vm = await lab.createVm({ ...busy, ...more });
  await lab.power(vm, 'on');
  return vm;
}

describe('a snapshot of a VM that goes on writing', () => {
  it('reads the same bytes at any time, while the disk moves on', async () => {
    const vm = await runningVm();
    await lab.createSnapshot(vm, 's');
    const first = await readAll(lab, at(vm, 's'));
    await delay(200);
    const later = await readAll(lab, at(vm, 's'));
    expect(later.equals(first)).toBe(true);
    await lab.createSnapshot(vm, 't');
    expect((await readAll(lab, at(vm, 't'))).equals(first)).toBe(false);
    expect((await readAll(lab, at(vm, 's'))).equals(first)).toBe(true);
  });

  it('is one moment over all disks', async () => {
    const vm = await runningVm({ workload: { roundsPerSecond: 3000, blockBytes: 512 } });
    for (let i = 0; i < 8; i++) {
      await lab.createSnapshot(vm, `s${i}`);
      const a = stampOf(await readAll(lab, at(vm, `s${i}`, 'a')));
      const b = stampOf(await readAll(lab, at(vm, `s${i}`, 'b')));
      expect(a).toBeGreaterThan(0);
      expect([a, a - 1]).toContain(b);
      await lab.removeSnapshot(vm, `s${i}`);
    }
  });

  it('equals the disk when nothing was written since', async () => {
    const vm = await runningVm();
    await lab.power(vm, 'force-off');
    await lab.createSnapshot(vm, 's');
    const exported = (await lab.do('POST', `/vms/${vm}/disks/a/export`)) as {
      readonly socket: string;
      readonly exportName: string;
    };
    expect((await readExport(exported)).equals(await readAll(lab, at(vm, 's')))).toBe(true);
  });
});

describe('the changes since a change id', () => {
  it('bring an older copy to the newer snapshot exactly, over many rounds and both disks', async () => {
    const vm = await runningVm({ workload: { roundsPerSecond: 1500 } });
    const copies = new Map<string, Buffer>();
    await lab.createSnapshot(vm, 'r0');
    for (const disk of ['a', 'b']) copies.set(disk, await readAll(lab, at(vm, 'r0', disk)));
    let since = await changeId(lab, at(vm, 'r0'));
    for (let round = 1; round <= 12; round++) {
      if (round % 4 === 0) await lab.power(vm, round % 8 === 0 ? 'on' : 'force-off');
      await lab.createSnapshot(vm, `r${round}`);
      for (const [disk, copy] of copies) {
        await bring(lab, copy, at(vm, `r${round}`, disk), since);
        expect(copy.equals(await readAll(lab, at(vm, `r${round}`, disk)))).toBe(true);
      }
      since = await changeId(lab, at(vm, `r${round}`));
      await lab.removeSnapshot(vm, `r${round - 1}`);
    }
  });

  it('span several snapshots, also removed ones', async () => {
    const vm = await runningVm();
    await lab.createSnapshot(vm, 'one');
    const copy = await readAll(lab, at(vm, 'one'));
    const since = await changeId(lab, at(vm, 'one'));
    await lab.removeSnapshot(vm, 'one');
    for (const name of ['two', 'three']) {
      await delay(100);
      await lab.createSnapshot(vm, name);
    }
    await lab.removeSnapshot(vm, 'two');
    const bytes = await bring(lab, copy, at(vm, 'three'), since);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(copy.length);
    expect(copy.equals(await readAll(lab, at(vm, 'three')))).toBe(true);
  });

  it('are none between a snapshot and itself, and all that is allocated for *', async () => {
    const vm = await runningVm();
    await lab.createSnapshot(vm, 's');
    expect(await changes(lab, at(vm, 's'), await changeId(lab, at(vm, 's')))).toEqual([]);
    const all = await readAll(lab, at(vm, 's'));
    const copy = Buffer.alloc(all.length);
    const bytes = await bring(lab, copy, at(vm, 's'), '*');
    expect(bytes).toBeLessThan(all.length);
    expect(copy.equals(all)).toBe(true);
  });

  it('are void after a reset, and for ids that were never given', async () => {
    const vm = await runningVm();
    await lab.createSnapshot(vm, 's');
    const old = await changeId(lab, at(vm, 's'));
    await lab.do('POST', `/vms/${vm}/reset-cbt`);
    await lab.createSnapshot(vm, 't');
    const now = await changeId(lab, at(vm, 't'));
    for (const since of [old, 'nonsense', `${now.split('/')[0] ?? ''}/99`]) {
      const path = `/vms/${vm}/snapshots/t/disks/a/changes?since=${encodeURIComponent(since)}`;
      expect(await lab.request('GET', path)).toMatchObject({
        status: 410,
        body: { error: { code: 'change-id-void' } },
      });
    }
    const copy = await readAll(lab, at(vm, 't'));
    await lab.createSnapshot(vm, 'u');
    await bring(lab, copy, at(vm, 'u'), now);
    expect(copy.equals(await readAll(lab, at(vm, 'u')))).toBe(true);
  });
});

describe('the lab', () => {
  it('gives a VM a snapshot while it runs', async () => {
    const vm = await lab.createVm({ name: 'light', disks: [{ id: 'a', capacityBytes: 64 * MIB }] });
    await lab.power(vm, 'on');
    await lab.createSnapshot(vm, 's');
    await lab.do('DELETE', `/vms/${vm}`);
  });
});
