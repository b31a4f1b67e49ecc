import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { X509Certificate } from 'node:crypto';
import { type Vsphere, startVsphere } from './index.js';
import { Soap, type VimFault, enableCbt, first } from './spec/soap.js';

let vsphere: Vsphere;
beforeAll(async () => {
  vsphere = await startVsphere({
    vms: 1,
    users: {
      reader: { password: 'r', deny: ['*_Task'] },
      mover: { password: 'm', privileges: ['System.View', 'VirtualMachine.State.CreateSnapshot'] },
      blind: { password: 'b', privileges: [] },
      locked: { password: 'l', state: 'locked' },
      stranger: { password: 's', state: 'no-access' },
    },
  });
});
afterAll(() => vsphere.stop());

const vm = async () => `VirtualMachine:${(await vsphere.vm('vm0')).moref}`;
const fault = (type: string) => expect.objectContaining({ type });

describe('a login', () => {
  it('is for who knows the password', async () => {
    const soap = await Soap.login(vsphere);
    expect(await soap.get(await vm(), 'name')).toContain('vm0');
    await expect(Soap.login(vsphere, vsphere.admin.user, 'wrong')).rejects.toEqual(fault('InvalidLogin'));
  });

  it('says of a locked account no more than that it is wrong, and who has no role so', async () => {
    await expect(Soap.login(vsphere, 'locked@vsphere.local', 'l')).rejects.toEqual(fault('InvalidLogin'));
    await expect(Soap.login(vsphere, 'stranger', 's')).rejects.toEqual(fault('NoPermission'));
  });

  it('ends with its session', async () => {
    const soap = await Soap.login(vsphere);
    await vsphere.expireSessions();
    await expect(soap.call('PowerOffVM_Task', await vm())).rejects.toEqual(fault('NotAuthenticated'));
  });
});

describe('a user', () => {
  it('may not call what is denied, and is told the privilege', async () => {
    const soap = await Soap.login(vsphere, 'reader', 'r');
    const refused = await soap
      .call('ReconfigVM_Task', await vm(), enableCbt)
      .catch((error: unknown) => error);
    expect(refused).toEqual(fault('NoPermission'));
    expect((refused as VimFault).detail).toContain('VirtualMachine.Config.ChangeTracking');
  });

  it('may do what the privileges of the role are for', async () => {
    const soap = await Soap.login(vsphere, 'mover', 'm');
    const what = '<name>x</name><memory>false</memory><quiesce>false</quiesce>';
    const snapshot = await soap.task('CreateSnapshot_Task', await vm(), what);
    const removal = soap.call(
      'RemoveSnapshot_Task',
      `VirtualMachineSnapshot:${snapshot}`,
      '<removeChildren>false</removeChildren>',
    );
    await expect(removal).rejects.toEqual(fault('NoPermission'));
    await expect(removal).rejects.toEqual(
      expect.objectContaining({ detail: expect.stringContaining('VirtualMachine.State.RemoveSnapshot') }),
    );
  });

  it('can ask which privileges there are', async () => {
    const soap = await Soap.login(vsphere, 'mover', 'm');
    const { moref } = await vsphere.vm('vm0');
    const answer = await soap.call(
      'HasUserPrivilegeOnEntities',
      'AuthorizationManager:AuthorizationManager',
      `<entities type="VirtualMachine">${moref}</entities><userName>mover</userName>` +
        '<privId>VirtualMachine.State.CreateSnapshot</privId><privId>VirtualMachine.State.RemoveSnapshot</privId>',
    );
    expect([...answer.matchAll(/<isGranted>(\w+)</g)].map(([, granted]) => granted)).toEqual([
      'true',
      'false',
    ]);
    const all = await soap.call(
      'FetchUserPrivilegeOnEntities',
      'AuthorizationManager:AuthorizationManager',
      `<entities type="VirtualMachine">${moref}</entities><userName>mover</userName>`,
    );
    expect(all.match(/<privileges>/g)).toHaveLength(2);
  });

  it('sees nothing without System.View', async () => {
    const soap = await Soap.login(vsphere, 'blind', 'b');
    await expect(soap.get(await vm(), 'name')).rejects.toEqual(fault('NoPermission'));
  });
});

describe('the certificate', () => {
  it('is signed by its own CA, and has the thumbprints that are said', async () => {
    const ca = new X509Certificate(await readFile(vsphere.caFile));
    const answer = await (
      await Soap.open(vsphere)
    ).call('RetrieveServiceContent', 'ServiceInstance:ServiceInstance');
    expect(first(answer, 'apiVersion')).toBe('8.0.2.0');
    expect(ca.ca).toBe(true);
    expect(vsphere.thumbprint).toMatch(/^([0-9A-F]{2}:){19}[0-9A-F]{2}$/);
    expect(vsphere.thumbprint256).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  });

  it('can be expired, or of another name', async () => {
    await using expired = await startVsphere({ vms: 0, certificate: { expired: true } });
    await expect(Soap.login(expired)).rejects.toThrow(/certificate has expired/);
    await using elsewhere = await startVsphere({ vms: 0, certificate: { wrongName: true } });
    await expect(Soap.login(elsewhere)).rejects.toThrow(/does not match/);
  });
});

describe('an ESXi host', () => {
  it('has VMs without a vCenter', async () => {
    await using esxi = await startVsphere({ vms: 1, esxi: true });
    const soap = await Soap.login(esxi);
    const { moref } = await esxi.vm('vm0');
    expect(await soap.get(`VirtualMachine:${moref}`, 'runtime.powerState')).toContain('poweredOn');
    const about = await soap.call('RetrieveServiceContent', 'ServiceInstance:ServiceInstance');
    expect(first(about, 'apiType')).toBe('HostAgent');
  });
});
