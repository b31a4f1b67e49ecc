import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProviderSpec, SourceDisk, SourceVm } from '@ledgerlift/contracts';
import { LabHypervisor, type LabVmRequest, temporaryFolder } from '@ledgerlift/testing';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { DiskAccess } from '@ledgerlift/providers';
import { labProvider as found } from '../index.js';

const MIB = 1024 * 1024;
const TOKEN = 'open-sesame';
const folder = temporaryFolder('lab-provider');
const spec: ProviderSpec = {
  type: 'x-lab',
  name: 'lab',
  sites: ['local'],
  settings: { url: 'http://127.0.0.1:1' },
  secret: { name: 'lab-token' },
};
if (
  found.snapshots === undefined ||
  found.retire === undefined ||
  found.restore === undefined ||
  found.connectedNics === undefined
)
  throw new TypeError('no lab provider');
const { snapshots, retire, restore, connectedNics } = found;
const provider = { ...found, snapshots, retire, restore, connectedNics };
const patience = { signal: new AbortController().signal, timeLimitMs: 240_000 };

let lab: LabHypervisor;
let here: ProviderSpec;
beforeAll(async () => {
  mkdirSync(folder.file('lab-token'));
  writeFileSync(folder.file('lab-token', 'token'), `${TOKEN}\n`);
  process.env['LEDGERLIFT_SECRETS_DIR'] = folder.path;
  lab = await LabHypervisor.start({ token: TOKEN });
  here = { ...spec, settings: { url: lab.url } };
});
afterAll(async () => {
  await lab.stop();
  await folder.remove();
});

async function made(more: Partial<LabVmRequest> = {}): Promise<SourceVm> {
  const id = await lab.createVm({
    name: 'web',
    disks: [
      { id: 'a', capacityBytes: 4 * MIB },
      { id: 'b', capacityBytes: 2 * MIB },
    ],
    nics: [{ id: 'n', name: 'nic1', network: 'VM Network' }],
    workload: { roundsPerSecond: 400 },
    ...more,
  });
  return present(id);
}

async function present(id: string): Promise<SourceVm> {
  const vm = await provider.currentVm(here, id);
  if (vm === undefined) throw new TypeError(`no VM ${id}`);
  return vm;
}

async function running(more: Partial<LabVmRequest> = {}): Promise<SourceVm> {
  const vm = await made(more);
  await lab.power(vm.id, 'on');
  return vm;
}

function firstDisk({ disks: [disk] }: SourceVm): SourceDisk {
  if (disk === undefined) throw new TypeError('no disk');
  return disk;
}

function bytesOf(access: DiskAccess): Buffer {
  if (access.kind !== 'nbd') throw new TypeError(access.kind);
  const raw = folder.file('bytes');
  const uri = `nbd+unix:///${access.exportName}?socket=${access.socket}`;
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'raw', uri, raw]);
  return readFileSync(raw);
}

const effectsOf = async (vm: SourceVm): Promise<readonly string[]> =>
  (await lab.journal()).filter((line) => line.vm === vm.id).map(({ effect }) => effect);
const journaled = async (vm: SourceVm, effect: string): Promise<number> =>
  (await effectsOf(vm)).filter((each) => each === effect).length;

const shutdown = { timeLimitMs: 200, then: 'force' } as const;

describe('the inventory of a lab', () => {
  it('has its VMs, networks and storages', async () => {
    const vm = await running({ name: 'db', folder: '/prod', tags: ['gold'], changeTracking: false });
    const { vms, networks, storages, problems } = await provider.inventory(here);
    expect(vms.find(({ id }) => id === vm.id)).toMatchObject({
      name: 'db',
      path: '/prod/db',
      powerState: 'on',
      tags: ['gold'],
      changeTracking: 'off',
      disks: [{ id: 'a', backing: { kind: 'extension', data: { vmId: vm.id } } }, { id: 'b' }],
      concerns: [{ id: 'lab.changed_block_tracking.disabled' }],
    });
    expect([networks, storages, problems]).toMatchObject([
      [{ name: 'VM Network' }],
      [{ name: 'datastore1' }],
      [],
    ]);
  });

  it('has a fingerprint that running does not change', async () => {
    const before = await made();
    await provider.powerOn(here, before, patience);
    expect((await present(before.id)).fingerprint).toBe(before.fingerprint);
    expect((await made()).fingerprint).not.toBe(before.fingerprint);
  });

  it('lacks what is gone', async () => {
    expect(await provider.currentVm(here, 'nobody')).toBeUndefined();
  });
});

describe('a lab that cannot be reached', () => {
  it('is said to be by a check', async () => {
    expect(await provider.check(here)).toEqual([]);
    expect(await provider.check(spec)).toMatchObject([{ item: 'lab', code: 'LL-LAB-001' }]);
  });

  it('is an operator matter when its token is wrong or missing', async () => {
    const { secret: _, ...open } = here;
    await expect(provider.inventory(open)).rejects.toMatchObject({
      code: 'LL-LAB-003',
      failure: 'needs-operator',
    });
    const missing = { ...here, secret: { name: 'none' } };
    await expect(provider.inventory(missing)).rejects.toMatchObject({ code: 'LL-SEC-001' });
  });

  it.each([{ do: 'status', status: 503 } as const, { do: 'cut' } as const])(
    'is tried again after %j',
    async (action) => {
      const vm = await made();
      await lab.inject({ match: 'snapshots', action });
      await expect(provider.snapshots.create(here, vm, 's', patience)).rejects.toMatchObject({
        code: 'LL-LAB-001',
        failure: 'transient',
      });
      expect(await provider.snapshots.list(here, vm)).toEqual([]);
    },
  );
});

describe('a snapshot', () => {
  it('is read while its VM writes, and told apart from the next one by its changes', async () => {
    const vm = await running();
    const disk = firstDisk(vm);
    const one = await provider.snapshots.create(here, vm, 'one', patience);
    const copy = bytesOf(await provider.diskAccess(here, vm, disk, one));
    const two = await provider.snapshots.create(here, vm, 'two', patience);
    expect(bytesOf(await provider.diskAccess(here, vm, disk, one)).equals(copy)).toBe(true);
    const wanted = bytesOf(await provider.diskAccess(here, vm, disk, two));
    const since = one.disks.find(({ diskId }) => diskId === disk.id)?.changeId ?? '';
    const changes = await provider.snapshots.changes(here, vm, disk, two, since, patience.signal);
    expect(changes?.length).toBeGreaterThan(0);
    for (const { offset, length } of changes ?? []) wanted.copy(copy, offset, offset, offset + length);
    expect(copy.equals(wanted)).toBe(true);
  });

  it('is found and not made again, also when the answer was lost', async () => {
    const vm = await running();
    await lab.inject({ match: 'POST .*snapshots', when: 'after', action: { do: 'cut' } });
    await expect(provider.snapshots.create(here, vm, 's', patience)).rejects.toMatchObject({
      failure: 'transient',
    });
    const first = await provider.snapshots.create(here, vm, 's', patience);
    expect(await provider.snapshots.create(here, vm, 's', patience)).toEqual(first);
    expect(await journaled(vm, 'snapshot-created')).toBe(1);
  });

  it('is made once by two attempts at the same time', async () => {
    const vm = await running({ behaviour: { snapshotMs: 100 } });
    const both = [1, 2].map(() => provider.snapshots.create(here, vm, 's', patience));
    const [one, two] = await Promise.all(both);
    expect(one).toEqual(two);
    expect(await journaled(vm, 'snapshot-created')).toBe(1);
  });

  it('that is still being made is waited for before it is removed', async () => {
    // Far longer than a busy machine may take to ask for it.
    const vm = await running({ behaviour: { snapshotMs: 5000 } });
    const hasty = { signal: patience.signal, timeLimitMs: 20 };
    await expect(provider.snapshots.create(here, vm, 's', hasty)).rejects.toMatchObject({
      code: 'LL-LAB-005',
    });
    expect(await provider.snapshots.remove(here, vm, 's', patience)).toBe('removed');
    expect(await provider.snapshots.remove(here, vm, 's', patience)).toBe('absent');
    expect(await provider.snapshots.list(here, vm)).toEqual([]);
  });

  it('is not mistaken for another one of its name', async () => {
    const vm = await running();
    const old = await provider.snapshots.create(here, vm, 's', patience);
    await provider.snapshots.remove(here, vm, 's', patience);
    await provider.snapshots.create(here, vm, 's', patience);
    await expect(provider.diskAccess(here, vm, firstDisk(vm), old)).rejects.toMatchObject({
      code: 'LL-LAB-009',
    });
  });

  it('says nothing of changes after the tracking was reset', async () => {
    const vm = await running();
    const one = await provider.snapshots.create(here, vm, 'one', patience);
    await lab.do('POST', `/vms/${vm.id}/reset-cbt`);
    const two = await provider.snapshots.create(here, vm, 'two', patience);
    const since = one.disks[0]?.changeId ?? '';
    const { signal } = patience;
    expect(await provider.snapshots.changes(here, vm, firstDisk(vm), two, since, signal)).toBeUndefined();
  });

  it('is given up when it is cancelled, however long it takes', async () => {
    const vm = await running({ behaviour: { snapshotMs: 600_000 } });
    const cancel = new AbortController();
    setTimeout(() => cancel.abort(new Error('cancelled')), 100);
    const creation = provider.snapshots.create(here, vm, 's', { ...patience, signal: cancel.signal });
    await expect(creation).rejects.toThrow('cancelled');
  });
});

describe('the power of a VM', () => {
  it('is switched off by asking its guest, and each run is another moment', async () => {
    const vm = await running();
    expect(await provider.currentMoment(here, vm)).toBeUndefined();
    const off = await provider.powerOff(here, vm, { timeLimitMs: 240_000, then: 'fail' }, patience.signal);
    expect(off.how).toBe('shut-down');
    expect(await provider.powerOff(here, vm, shutdown, patience.signal)).toEqual({ ...off, how: 'was-off' });
    expect(await provider.currentMoment(here, vm)).toBe(off.momentId);
    expect(await provider.powerOn(here, vm, patience)).toBe('on');
    expect(await provider.powerOn(here, vm, patience)).toBe('on');
    const again = await provider.powerOff(here, vm, shutdown, patience.signal);
    expect(again.momentId).not.toBe(off.momentId);
    expect(await journaled(vm, 'power-on')).toBe(2);
  });

  it('is forced off, failed or left to an operator when its guest does not heed', async () => {
    const vm = await running({ behaviour: { ignoresShutdown: true } });
    const off = (then: 'force' | 'fail' | 'wait') =>
      provider.powerOff(here, vm, { timeLimitMs: 50, then }, patience.signal);
    await expect(off('fail')).rejects.toMatchObject({ code: 'LL-LAB-006', failure: 'permanent' });
    await expect(off('wait')).rejects.toMatchObject({ code: 'LL-LAB-006', failure: 'needs-operator' });
    expect(await provider.powerState(here, vm)).toBe('on');
    expect(await off('force')).toMatchObject({ how: 'forced' });
    expect(await provider.powerState(here, vm)).toBe('off');
  });

  it('decides whether its disks can be read as they are', async () => {
    const vm = await running();
    const read = async () => provider.diskAccess(here, vm, firstDisk(vm));
    await expect(read()).rejects.toMatchObject({ code: 'LL-LAB-010', failure: 'needs-operator' });
    await provider.powerOff(here, vm, shutdown, patience.signal);
    writeFileSync(folder.file('copy'), bytesOf(await read()));
    expect(await lab.compare(vm.id, 'a', folder.file('copy'), 'raw')).toBe(true);
  });
});

describe('a source that is retired', () => {
  it('loses its NICs, and gets a name and a tag, once', async () => {
    const vm = await made();
    const what = { disconnectNics: true, renameSuffix: '-migrated', tag: 'moved' };
    const tagsWhenAsked: unknown[] = [];
    const look = async () => void tagsWhenAsked.push((await present(vm.id)).tags);
    expect(await provider.retire(here, vm, what, patience, look)).toHaveLength(3);
    expect(await provider.retire(here, vm, what, patience, look)).toEqual([]);
    // Before the VM bears it, and not where it does already.
    expect(tagsWhenAsked).toEqual([[]]);
    expect(await present(vm.id)).toMatchObject({ name: 'web-migrated', tags: ['moved'] });
    expect(await provider.retire(here, await made(), { disconnectNics: false }, patience)).toEqual([]);
  });

  it('is restored as it was: what was not connected or was tagged before stays so', async () => {
    const nics = [
      { id: 'n', name: 'nic1', network: 'VM Network' },
      { id: 'm', name: 'nic2', network: 'VM Network' },
    ];
    const vm = await made({ nics, tags: ['moved'] });
    await lab.do('POST', `/vms/${vm.id}/nics`, { connected: false, ids: ['m'] });
    const connectedNics = await provider.connectedNics(here, vm);
    expect(connectedNics).toEqual(['n']);
    const what = { disconnectNics: true, renameSuffix: '-migrated', tag: 'moved' };
    await provider.retire(here, vm, what, patience);
    const before = { connectedNics, tag: 'there-before' as const };
    expect(await provider.restore(here, vm, what, before, patience)).toEqual([
      'connected nic1',
      "renamed to 'web'",
    ]);
    expect(await present(vm.id)).toMatchObject({ name: 'web', tags: ['moved'] });
    expect(await provider.connectedNics(here, vm)).toEqual(['n']);
    const ours = { connectedNics, tag: 'ours' as const };
    expect(await provider.restore(here, vm, what, ours, patience)).toEqual(["took the tag 'moved' away"]);
    expect(await provider.restore(here, vm, what, ours, patience)).toEqual([]);
  });
});

describe('a lab that is killed while it is asked', () => {
  it('is gone on with when it is there again', async () => {
    const vm = await running({ behaviour: { snapshotMs: 300 } });
    const lost = provider.snapshots.create(here, vm, 's', patience);
    setTimeout(() => void lab.kill(), 100);
    await expect(lost).rejects.toMatchObject({ code: 'LL-LAB-001', failure: 'transient' });
    await lab.restart();
    expect(await provider.snapshots.create(here, vm, 's', patience)).toMatchObject({ name: 's' });
    expect(await journaled(vm, 'snapshot-created')).toBe(1);
  });
});
