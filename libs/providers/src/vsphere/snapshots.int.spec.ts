import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import type { SourceVm } from '@ledgerlift/contracts';
import type { ByteRange } from '../port.js';
import { vsphereSnapshots as snapshots } from './snapshots.js';
import { sessionOf } from './session.js';
import { bareVm, patience, vsphereWorld, type World } from './spec/world.js';
import { vmProperties } from './vm.js';

const MIB = 1024 * 1024;
let world: World;
let count = 0;
beforeAll(async () => {
  // Two areas an answer, so that every question needs several.
  world = await vsphereWorld({ vms: 1, maxAreas: 2 });
});
afterAll(() => world.end());

/** A VM that writes all the time. */
async function writing(more: object = {}): Promise<SourceVm> {
  const name = `web${(count += 1)}`;
  await world.vsphere.addVm({
    name,
    changeTracking: true,
    disks: [{ capacityBytes: 8 * MIB }, { capacityBytes: 4 * MIB, fill: 0 }],
    writer: { roundsPerSecond: 200, seed: count },
    ...more,
  });
  return bareVm(world, name);
}
const bytesOf = async (vm: SourceVm, index: number): Promise<Buffer> => {
  const { disks } = await world.vsphere.vm(vm.id);
  return readFileSync(disks[index]?.hostFile ?? '');
};
const names = async (vm: SourceVm): Promise<readonly string[]> =>
  (await world.vsphere.vm(vm.id)).snapshots.map(({ name }) => name);
const made = async (vm: SourceVm): Promise<number> =>
  (await world.vsphere.journal()).filter((line) => line.effect === 'snapshot-created' && line.vm === vm.id)
    .length;
const changed = async (
  vm: SourceVm,
  since: Awaited<ReturnType<typeof snapshots.create>>,
  now: Awaited<ReturnType<typeof snapshots.create>>,
  index = 0,
): Promise<readonly ByteRange[] | undefined> => {
  const disk = vm.disks[index];
  if (disk === undefined) throw new TypeError('no disk');
  const changeId = since.disks.find(({ diskId }) => diskId === disk.id)?.changeId ?? '';
  return snapshots.changes(world.provider, vm, disk, now, changeId, patience().signal);
};

describe('a snapshot', () => {
  it('has a change id for each disk, by which all that changed since is told', async () => {
    const vm = await writing();
    const one = await snapshots.create(world.provider, vm, 'one', patience());
    expect(one.disks.map(({ changeId }) => typeof changeId)).toEqual(['string', 'string']);
    const before = await bytesOf(vm, 0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await world.vsphere.powerOff(vm.id);
    const after = await bytesOf(vm, 0);
    const two = await snapshots.create(world.provider, vm, 'two', patience());
    const areas = (await changed(vm, one, two)) ?? [];
    expect(areas.length).toBeGreaterThan(2);
    // What was written between `one` and the reading of `before` differs, too: only what is outside must be equal.
    let end = 0;
    for (const { offset, length } of [...areas, { offset: after.length, length: 0 }]) {
      expect(offset).toBeGreaterThanOrEqual(end);
      expect(after.subarray(end, offset).equals(before.subarray(end, offset))).toBe(true);
      end = offset + length;
    }
  });

  it('is found and not made again, also when the answer was lost', async () => {
    const vm = await writing();
    await world.vsphere.fault({ method: 'CreateSnapshot_Task', object: vm.id, as: 'cut', after: true });
    const lost = snapshots.create(world.provider, vm, 's', patience());
    await expect(lost).rejects.toMatchObject({ code: 'LL-VSP-001', failure: 'transient' });
    const found = await snapshots.create(world.provider, vm, 's', patience());
    expect(await snapshots.create(world.provider, vm, 's', patience())).toEqual(found);
    expect(await made(vm)).toBe(1);
  });

  it('whose task fails is tried again by who asked', async () => {
    const vm = await writing();
    await world.vsphere.fault({
      method: 'CreateSnapshot_Task',
      object: vm.id,
      as: 'task-error',
      fault: 'TaskInProgress',
    });
    await expect(snapshots.create(world.provider, vm, 's', patience())).rejects.toMatchObject({
      code: 'LL-VSP-002',
      fault: 'TaskInProgress',
      failure: 'transient',
    });
    expect(await names(vm)).toEqual([]);
    await snapshots.create(world.provider, vm, 's', patience());
    expect(await names(vm)).toEqual(['s']);
  });

  it('is removed, and only it, also between those of others', async () => {
    const vm = await writing();
    await snapshots.create(world.provider, vm, 'ours-1', patience());
    await world.vsphere.snapshotOf(vm.id, 'a backup');
    await snapshots.create(world.provider, vm, 'ours-2', patience());
    expect(await snapshots.list(world.provider, vm)).toEqual(['ours-1', 'a backup', 'ours-2']);
    expect(await snapshots.remove(world.provider, vm, 'ours-1', patience())).toBe('removed');
    expect(await names(vm)).toEqual(['a backup', 'ours-2']);
    expect(await snapshots.remove(world.provider, vm, 'ours-1', patience())).toBe('absent');
  });

  it('of a VM whose changes are not tracked makes them tracked, when that is asked for', async () => {
    const vm = await writing({ changeTracking: false });
    const create = (enableChangeTracking: boolean) =>
      snapshots.create(world.provider, vm, 's', patience(), { enableChangeTracking });
    await expect(create(false)).rejects.toMatchObject({ code: 'LL-VSP-013', failure: 'needs-operator' });
    const tracked = await create(true);
    expect(tracked.disks.map(({ changeId }) => typeof changeId)).toEqual(['string', 'string']);
    expect(await names(vm)).toEqual(['s']);
  });

  it("does not make changes tracked under somebody's snapshot", async () => {
    const vm = await writing({ changeTracking: false });
    await world.vsphere.snapshotOf(vm.id, 'a backup');
    const create = () =>
      snapshots.create(world.provider, vm, 's', patience(), { enableChangeTracking: true });
    await expect(create()).rejects.toMatchObject({
      code: 'LL-VSP-029',
      failure: 'needs-operator',
      message: expect.stringContaining('a backup'),
    });
    expect(await names(vm)).toEqual(['a backup']);
    const trackings = (await world.vsphere.calls())['ReconfigVM_Task'] ?? 0;
    await snapshots.remove(world.provider, vm, 'a backup', patience());
    expect((await create()).disks.map(({ changeId }) => typeof changeId)).toEqual(['string', 'string']);
    expect((await world.vsphere.calls())['ReconfigVM_Task']).toBe(trackings + 1);
  });

  it('made by somebody while tracking is turned on has it turned off again', async () => {
    const vm = await writing({ changeTracking: false });
    const slow = { method: 'ReconfigVM_Task', object: vm.id, as: 'delay', ms: 600 } as const;
    await world.vsphere.fault(slow);
    const creation = snapshots.create(world.provider, vm, 's', patience(), { enableChangeTracking: true });
    const refused = expect(creation).rejects.toMatchObject({ code: 'LL-VSP-029' });
    const reconfigured = async (): Promise<boolean> =>
      (await world.vsphere.journal()).some(({ effect, vm: of }) => effect === 'fault' && of === vm.id);
    while (!(await reconfigured())) await new Promise((resolve) => setTimeout(resolve, 10));
    await world.vsphere.snapshotOf(vm.id, 'a backup');
    await refused;
    const properties = await vmProperties(
      sessionOf(world.provider),
      vm,
      ['config.changeTrackingEnabled'],
      patience().signal,
    );
    expect(properties.get('config.changeTrackingEnabled')?.text).toBe('false');
    expect(await names(vm)).toEqual(['a backup']);
  });

  it('knows nothing of changes since tracking was reset', async () => {
    const vm = await writing();
    const one = await snapshots.create(world.provider, vm, 'one', patience());
    await world.vsphere.resetCbt(vm.id);
    const two = await snapshots.create(world.provider, vm, 'two', patience());
    expect(await changed(vm, one, two)).toBeUndefined();
  });

  it('that somebody removed is told as lost', async () => {
    const vm = await writing();
    const one = await snapshots.create(world.provider, vm, 'one', patience());
    await snapshots.remove(world.provider, vm, 'one', patience());
    await snapshots.create(world.provider, vm, 'one', patience());
    await expect(changed(vm, one, one)).rejects.toMatchObject({
      code: 'LL-VSP-010',
      outcome: 'snapshot-lost',
    });
  });

  it('is given up when it is cancelled, however long vCenter takes', async () => {
    const vm = await writing();
    await world.vsphere.fault({ method: 'CreateSnapshot_Task', object: vm.id, as: 'delay', ms: 600_000 });
    const cancel = new AbortController();
    setTimeout(() => cancel.abort(new Error('cancelled')), 100);
    const creation = snapshots.create(world.provider, vm, 's', { ...patience(), signal: cancel.signal });
    await expect(creation).rejects.toThrow('cancelled');
  });

  it('survives a restart of vCenter', async () => {
    const vm = await writing();
    const one = await snapshots.create(world.provider, vm, 'one', patience());
    await world.vsphere.outage(300);
    await expect(snapshots.create(world.provider, vm, 'two', patience())).rejects.toMatchObject({
      failure: 'transient',
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const two = await snapshots.create(world.provider, vm, 'two', patience());
    expect(await changed(vm, one, two)).toBeDefined();
  });
});
