import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LabHypervisor } from './index.js';
import { readAll, snapshotDisk } from './spec/copy.js';
import { LabNbd } from './process/nbd.js';

let lab: LabHypervisor;
beforeEach(async () => {
  lab = await LabHypervisor.start({ token: 'secret' });
  await lab.createVm({ id: 'web', name: 'web', disks: [{ id: 'a', capacityBytes: 1024 * 1024 }] });
});
afterEach(() => lab.stop());

const rename = (name: string) => lab.request('POST', '/vms/web/rename', { name });
const nameNow = async () => ((await lab.do('GET', '/vms/web')) as { readonly name: string }).name;

describe('an injected fault', () => {
  it('answers so many requests with a status, and none after', async () => {
    await lab.inject({
      match: '^POST /vms/web/rename',
      times: 2,
      after: 1,
      action: { do: 'status', status: 503 },
    });
    const statuses = [];
    for (const name of ['one', 'two', 'three', 'four']) statuses.push((await rename(name)).status);
    expect(statuses).toEqual([200, 503, 503, 200]);
  });

  it('cuts a connection before or after the effect', async () => {
    await lab.inject({ match: 'rename', action: { do: 'cut' } });
    await expect(rename('lost')).rejects.toThrow('fetch failed');
    expect(await nameNow()).toBe('web');
    await lab.inject({ match: 'rename', when: 'after', action: { do: 'cut' } });
    await expect(rename('done')).rejects.toThrow('fetch failed');
    expect(await nameNow()).toBe('done');
  });

  it('delays an answer', async () => {
    await lab.inject({ match: 'rename', action: { do: 'delay', ms: 150 } });
    const begun = performance.now();
    await rename('late');
    expect(performance.now() - begun).toBeGreaterThan(140);
  });

  it('lets a task fail, with or without its effect', async () => {
    await lab.inject({ match: 'snapshots', action: { do: 'fail-task', message: 'no room' } });
    await expect(lab.createSnapshot('web', 's')).rejects.toThrow(/no room/);
    await lab.inject({ match: 'snapshots', when: 'after', action: { do: 'fail-task', message: 'lost' } });
    await expect(lab.createSnapshot('web', 's')).rejects.toThrow(/lost/);
    expect(await lab.do('GET', '/vms/web')).toMatchObject({ snapshots: [{ name: 's' }] });
  });

  it('cuts who reads, and offers the snapshot again', async () => {
    await lab.createSnapshot('web', 's');
    const where = { vm: 'web', snapshot: 's', disk: 'a' };
    const before = await readAll(lab, where);
    const { nbd } = await snapshotDisk(lab, where);
    const reader = await LabNbd.open(nbd.socket, nbd.exportName);
    await lab.do('POST', '/vms/web/cut-nbd', { downMs: 20 });
    await expect(reader.read(0, 4096)).rejects.toThrow(/closed/);
    expect((await readAll(lab, where)).equals(before)).toBe(true);
  });

  it('is in the journal', async () => {
    await lab.inject({ match: 'rename', action: { do: 'cut' } });
    await rename('x').catch(() => undefined);
    expect((await lab.journal()).filter(({ effect }) => effect === 'fault')).toHaveLength(1);
  });
});

describe('the API', () => {
  it('turns away who does not show the token', async () => {
    expect((await fetch(`${lab.url}/inventory`)).status).toBe(401);
  });

  it('refuses what it does not understand', async () => {
    expect(await lab.request('POST', '/vms', { name: 'x' })).toMatchObject({ status: 400 });
    expect(await lab.request('GET', '/nothing')).toMatchObject({ status: 404 });
    expect(await lab.request('GET', '/vms/none')).toMatchObject({ status: 404 });
  });
});
