import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { copyFile, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../until.js';
import { LabHypervisor, type LabVmRequest } from './index.js';
import { bring, changeId, readAll } from './spec/copy.js';

const MIB = 1024 * 1024;
const spec: LabVmRequest = {
  id: 'web',
  name: 'web',
  disks: [{ id: 'a', capacityBytes: 8 * MIB }],
  nics: [{ id: 'n1', name: 'nic', network: 'VM Network' }],
  workload: { roundsPerSecond: 300 },
};

let lab: LabHypervisor;
beforeEach(async () => {
  lab = await LabHypervisor.start();
});
afterEach(() => lab.stop());

const effects = async (): Promise<readonly string[]> => (await lab.journal()).map(({ effect }) => effect);
const where = (snapshot: string) => ({ vm: 'web', snapshot, disk: 'a' });
const vm = async () => (await lab.do('GET', '/vms/web')) as { readonly power: string };

const untilOff = (): Promise<void> => until('the power-off', async () => (await vm()).power === 'off');

describe('a VM of the lab', () => {
  it('writes while it is on, and nothing after it is off', async () => {
    await lab.createVm(spec);
    const before = await lab.diskDigest('web', 'a');
    await lab.power('web', 'on');
    await expect(lab.diskDigest('web', 'a')).rejects.toThrow(/web is on/);
    await delay(100);
    await lab.power('web', 'shutdown');
    await untilOff();
    const after = await lab.diskDigest('web', 'a');
    expect(after).not.toBe(before);
    await delay(100);
    expect(await lab.diskDigest('web', 'a')).toBe(after);
    const seen = (await effects()).filter((effect) => effect !== 'disk-written');
    expect(seen).toEqual(['lab-started', 'vm-created', 'power-on', 'shutdown-asked', 'power-off']);
    expect((await effects()).at(-2)).toBe('disk-written');
  });

  it('may ignore that it is asked to shut down', async () => {
    await lab.createVm({ ...spec, behaviour: { ignoresShutdown: true } });
    await lab.power('web', 'on');
    await lab.power('web', 'shutdown');
    await delay(100);
    expect(await vm()).toMatchObject({ power: 'on' });
    await lab.power('web', 'force-off');
    expect(await vm()).toMatchObject({ power: 'off' });
  });

  it('lends its own disk only while it is off, and keeps its snapshots when it goes on', async () => {
    await lab.createVm(spec);
    await lab.createSnapshot('web', 's');
    const before = await readAll(lab, where('s'));
    expect(await lab.request('POST', '/vms/web/disks/a/export')).toMatchObject({ status: 200 });
    await lab.power('web', 'on');
    await delay(100);
    expect(await lab.request('POST', '/vms/web/disks/a/export')).toMatchObject({ status: 409 });
    expect((await readAll(lab, where('s'))).equals(before)).toBe(true);
  });

  it('is compared with a target past everything that is judged', async () => {
    await lab.createVm(spec);
    await copyFile(`${lab.folder}/vms/web/disk-0.qcow2`, `${lab.folder}/copy`);
    expect(await lab.compare('web', 'a', `${lab.folder}/copy`, 'qcow2')).toBe(true);
    await lab.power('web', 'on');
    await delay(100);
    await lab.power('web', 'force-off');
    expect(await lab.compare('web', 'a', `${lab.folder}/copy`, 'qcow2')).toBe(false);
  });

  it('keeps a name, tags and NICs, and is in the inventory', async () => {
    await lab.createVm(spec);
    await lab.do('POST', '/vms/web/rename', { name: 'web-old' });
    await lab.do('POST', '/vms/web/tags', { tag: 'migrated' });
    await lab.do('POST', '/vms/web/nics', { connected: false });
    await lab.restart();
    expect(await lab.do('GET', '/inventory')).toMatchObject({
      vms: [{ id: 'web', name: 'web-old', tags: ['migrated'], nics: [{ connected: false }] }],
      networks: ['VM Network'],
      storages: ['datastore1'],
    });
    expect(await effects()).toEqual(expect.arrayContaining(['renamed', 'tagged', 'nics-changed']));
  });

  it('has no two snapshots of one name', async () => {
    await lab.createVm(spec);
    await lab.createSnapshot('web', 's');
    expect(await lab.request('POST', '/vms/web/snapshots', { name: 's' })).toMatchObject({ status: 409 });
  });
});

describe('a lab that is killed and started again', () => {
  it('has its snapshots, whose bytes are the same, and its change ids', async () => {
    await lab.createVm(spec);
    await lab.power('web', 'on');
    await lab.createSnapshot('web', 's');
    const copy = await readAll(lab, where('s'));
    const since = await changeId(lab, where('s'));
    for (let round = 0; round < 3; round++) {
      await delay(100);
      await lab.kill();
      await lab.restart();
      expect(await vm()).toMatchObject({ power: 'off' });
      expect((await readAll(lab, where('s'))).equals(copy)).toBe(true);
      await lab.power('web', 'on');
    }
    await delay(100);
    expect((await readAll(lab, where('s'))).equals(copy)).toBe(true);
    await lab.createSnapshot('web', 't');
    await bring(lab, copy, where('t'), since);
    expect(copy.equals(await readAll(lab, where('t')))).toBe(true);
    await lab.removeSnapshot('web', 's');
    expect(copy.equals(await readAll(lab, where('t')))).toBe(true);
    expect((await effects()).filter((effect) => effect === 'power-lost')).toHaveLength(3);
  });

  it('powers on again what was on, where that is wanted', async () => {
    await lab.createVm({ ...spec, behaviour: { afterCrash: 'on' } });
    await lab.power('web', 'on');
    await lab.kill();
    await lab.restart();
    expect(await vm()).toMatchObject({ power: 'on' });
  });

  it('says that its change ids and snapshots are void when its daemons were killed with it', async () => {
    await lab.createVm(spec);
    await lab.power('web', 'on');
    await lab.createSnapshot('web', 's');
    const since = await changeId(lab, where('s'));
    await lab.crash();
    await lab.restart();
    await lab.createSnapshot('web', 't');
    const path = '/vms/web/snapshots/t/disks/a/changes?since=';
    expect(await lab.request('GET', path + encodeURIComponent(since))).toMatchObject({ status: 410 });
    expect(await lab.do('GET', '/vms/web/snapshots/s')).toMatchObject({ broken: true });
    await lab.removeSnapshot('web', 's');
  });

  it('takes its children with it', async () => {
    await lab.createVm(spec);
    await lab.power('web', 'on');
    const pid = (await readFile(`${lab.folder}/vms/web/pid`, 'utf8')).trim();
    await lab.kill();
    const state = () => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ' Z ');
    await until('the end of its process', async () => (await state()).includes(' Z '));
  });
});
