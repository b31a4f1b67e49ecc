import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type Vsphere, startVsphere } from './index.js';
import { Soap } from './spec/soap.js';

let vsphere: Vsphere;
let soap: Soap;
beforeAll(async () => {
  vsphere = await startVsphere({
    vms: [
      { name: 'web', shutdownMs: 100, tools: { ip: '192.0.2.7', hostName: 'web.test' } },
      { name: 'deaf', ignoreShutdown: true },
      { name: 'mute', tools: { status: 'not-running' } },
      { name: 'writes', writer: { roundsPerSecond: 1000 } },
    ],
  });
  soap = await Soap.login(vsphere);
});
afterAll(() => vsphere.stop());

const ref = async (name: string) => `VirtualMachine:${(await vsphere.vm(name)).moref}`;
const power = async (name: string) => (await vsphere.vm(name)).power;
const fault = (type: string) => expect.objectContaining({ type });

describe('a guest that is asked to shut down', () => {
  it('takes its time, and is off then', async () => {
    const web = await ref('web');
    expect(await soap.get(web, 'guest.ipAddress')).toContain('192.0.2.7');
    await soap.call('ShutdownGuest', web);
    expect(await power('web')).toBe('poweredOn');
    while ((await power('web')) !== 'poweredOff') await delay(20);
    expect(await soap.get(web, 'guest.toolsRunningStatus')).toContain('guestToolsNotRunning');
    await expect(soap.call('ShutdownGuest', web)).rejects.toEqual(fault('InvalidPowerState'));
    await soap.task('PowerOnVM_Task', web);
    expect(await soap.get(web, 'guest.hostName')).toContain('web.test');
  });

  it('may not heed, or not hear', async () => {
    await soap.call('ShutdownGuest', await ref('deaf'));
    await delay(150);
    expect(await power('deaf')).toBe('poweredOn');
    await expect(soap.call('ShutdownGuest', await ref('mute'))).rejects.toEqual(fault('ToolsUnavailable'));
    await vsphere.setGuest('mute', { status: 'running' });
    await soap.call('ShutdownGuest', await ref('mute'));
    while ((await power('mute')) !== 'poweredOff') await delay(20);
  });
});

describe('power', () => {
  it('cannot be taken twice', async () => {
    const deaf = await ref('deaf');
    await soap.task('PowerOffVM_Task', deaf);
    await expect(soap.task('PowerOffVM_Task', deaf)).rejects.toEqual(fault('InvalidPowerState'));
    await soap.task('PowerOnVM_Task', deaf);
    await expect(soap.task('PowerOnVM_Task', deaf)).rejects.toEqual(fault('InvalidPowerState'));
    const effects = (await vsphere.journal()).filter(({ vm }) => deaf.endsWith(`:${vm ?? ''}`));
    expect(effects.map(({ effect }) => effect).slice(-2)).toEqual(['power-off', 'power-on']);
  });

  it('ends a writer, whose disk then stays as it is', async () => {
    const { disks } = await vsphere.vm('writes');
    const bytes = () => readFile(disks[0]?.hostFile ?? '');
    const before = await bytes();
    await delay(50);
    const running = await bytes();
    expect(running.equals(before)).toBe(false);
    await soap.task('PowerOffVM_Task', await ref('writes'));
    const off = await bytes();
    await delay(50);
    expect((await bytes()).equals(off)).toBe(true);
    await vsphere.writer('writes', { roundsPerSecond: 0 });
    await vsphere.powerOn('writes');
    await delay(50);
    expect((await bytes()).equals(off)).toBe(true);
  });
});
