import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { type Vsphere, startVsphere } from './index.js';
import { Soap, createSnapshot } from './spec/soap.js';

let vsphere: Vsphere;
let soap: Soap;
let moref: string;
beforeAll(async () => {
  vsphere = await startVsphere();
  soap = await Soap.login(vsphere);
  ({ moref } = await vsphere.vm('vm0'));
});
afterEach(() => vsphere.clearFaults());
afterAll(() => vsphere.stop());

const fault = (type: string) => expect.objectContaining({ type });
const names = async () => (await vsphere.vm('vm0')).snapshots.map(({ name }) => name);

describe('an injected fault', () => {
  it('is answered at once, so many times', async () => {
    await vsphere.fault({ method: 'CreateSnapshot*', fault: 'InvalidState', times: 2, skip: 1 });
    await createSnapshot(soap, moref, 'a');
    for (const name of ['b', 'c'])
      await expect(createSnapshot(soap, moref, name)).rejects.toEqual(fault('InvalidState'));
    await createSnapshot(soap, moref, 'd');
    expect(await names()).toEqual(['a', 'd']);
  });

  it('is the end of a task, with its fields', async () => {
    await vsphere.fault({
      method: 'CreateSnapshot_Task',
      as: 'task-error',
      fault: 'InvalidPowerState',
      detail: { requestedState: 'poweredOff', existingState: 'poweredOn' },
    });
    const failed = await createSnapshot(soap, moref, 'e').catch((error: unknown) => error);
    expect(failed).toEqual(fault('InvalidPowerState'));
    expect(failed).toHaveProperty(
      'text',
      'The attempted operation cannot be performed in the current state (Powered on).',
    );
    expect(failed).toHaveProperty('detail', expect.stringContaining('<existingState>poweredOn<'));
    await vsphere.fault({
      method: 'CreateSnapshot_Task',
      as: 'task-error',
      fault: 'TaskInProgress',
      after: true,
    });
    await expect(createSnapshot(soap, moref, 'f')).rejects.toEqual(fault('TaskInProgress'));
    expect(await names()).not.toContain('e');
    expect(await names()).toContain('f');
  });

  it('is a task that takes its time, and meanwhile the VM is busy', async () => {
    await vsphere.fault({ method: 'CreateSnapshot_Task', as: 'slow-task', ms: 1000 });
    const slow = createSnapshot(soap, moref, 'slow');
    await delay(100);
    expect(await names()).not.toContain('slow');
    await expect(createSnapshot(soap, moref, 'meanwhile')).rejects.toEqual(fault('TaskInProgress'));
    expect(await slow).toMatch(/^snapshot-/);
    expect(await names()).toContain('slow');
  });

  it('is for one VM, when it names one', async () => {
    await vsphere.fault({ method: 'CreateSnapshot_Task', object: 'vm1', fault: 'InvalidState' });
    await createSnapshot(soap, moref, 'g');
    const other = await vsphere.vm('vm1');
    await expect(createSnapshot(soap, other.moref, 'g')).rejects.toEqual(fault('InvalidState'));
  });

  it('cuts the connection before or after the effect', async () => {
    await vsphere.fault({ method: 'CreateSnapshot_Task', as: 'cut' });
    await expect(createSnapshot(soap, moref, 'lost')).rejects.toThrow(/hang up|ECONNRESET/);
    await vsphere.fault({ method: 'CreateSnapshot_Task', as: 'cut', after: true });
    await expect(createSnapshot(soap, moref, 'done')).rejects.toThrow(/hang up|ECONNRESET/);
    while (!(await names()).includes('done')) await delay(10);
    expect(await names()).not.toContain('lost');
  });

  it('delays, or is of HTTP alone', async () => {
    await vsphere.fault({ method: 'RetrievePropertiesEx', as: 'delay', ms: 200 });
    const begun = performance.now();
    await soap.get(`VirtualMachine:${moref}`, 'name');
    expect(performance.now() - begun).toBeGreaterThan(190);
    await vsphere.fault({ method: 'RetrievePropertiesEx', as: 'http', status: 503 });
    await expect(soap.get(`VirtualMachine:${moref}`, 'name')).rejects.toEqual(fault('503'));
  });

  it('must be a fault that vSphere has', async () => {
    await expect(vsphere.fault({ method: '*', fault: 'NoSuchFault' })).rejects.toThrow(/NoSuchFault/);
  });

  it('is in the journal, and calls are counted', async () => {
    await vsphere.fault({ method: 'PowerOffVM_Task', fault: 'InvalidState' });
    const before = (await vsphere.calls())['PowerOffVM_Task'] ?? 0;
    await soap.call('PowerOffVM_Task', `VirtualMachine:${moref}`).catch(() => undefined);
    expect((await vsphere.calls())['PowerOffVM_Task']).toBe(before + 1);
    expect((await vsphere.journal()).at(-1)).toMatchObject({ effect: 'fault', name: 'PowerOffVM_Task' });
  });
});

describe('who disables a method of a VM', () => {
  const manager = 'AuthorizationManager:AuthorizationManager';
  const ask = (method: string, inner: string) =>
    soap.call(method, manager, `<entity type="VirtualMachine">${moref}</entity>${inner}`, 'internalvim25');

  it('keeps everybody from it until it is enabled again', async () => {
    const method = '<method><method>RelocateVM_Task</method><reasonId>moving</reasonId></method>';
    await ask('DisableMethods', `${method}<sourceId>us</sourceId>`);
    expect(await soap.get(`VirtualMachine:${moref}`, 'disabledMethod')).toContain('RelocateVM_Task');
    const other = await vsphere.vm('vm1');
    const move = `<spec><host type="HostSystem">${other.host}</host></spec>`;
    await expect(soap.task('RelocateVM_Task', `VirtualMachine:${moref}`, move)).rejects.toEqual(
      expect.objectContaining({ type: 'MethodDisabled', text: 'The method is disabled.' }),
    );
    await expect(vsphere.vmotion('vm0', other.host)).rejects.toThrow(/ServerFaultCode/);
    await ask('EnableMethods', '<method>RelocateVM_Task</method><sourceId>us</sourceId>');
    await vsphere.vmotion('vm0', other.host);
    expect((await vsphere.vm('vm0')).host).toBe(other.host);
  });
});

describe('a snapshot', () => {
  it('can be removed with its children, and only once', async () => {
    await soap.task('RemoveAllSnapshots_Task', `VirtualMachine:${moref}`);
    const parent = await createSnapshot(soap, moref, 'parent');
    await createSnapshot(soap, moref, 'child');
    await createSnapshot(soap, moref, 'grandchild');
    const remove = () =>
      soap.task(
        'RemoveSnapshot_Task',
        `VirtualMachineSnapshot:${parent}`,
        '<removeChildren>true</removeChildren>',
      );
    const [one, two] = await Promise.allSettled([remove(), remove()]);
    expect([one.status, two.status].sort()).toEqual(['fulfilled', 'rejected']);
    expect((await vsphere.vm('vm0')).snapshots).toEqual([]);
    expect((await vsphere.vm('vm0')).disks[0]?.file).toBe('[LocalDS_0] vm0/disk1.vmdk');
  });
});

describe('an outage', () => {
  it('ends sessions and cuts every connection, and VMs stay as they are', async () => {
    const before = await vsphere.vm('vm1');
    await vsphere.outage(300);
    await expect(Soap.login(vsphere)).rejects.toThrow(/hang up|ECONNRESET/);
    await delay(320);
    await expect(soap.call('PowerOffVM_Task', `VirtualMachine:${moref}`)).rejects.toEqual(
      fault('NotAuthenticated'),
    );
    soap = await Soap.login(vsphere);
    expect(await vsphere.vm('vm1')).toEqual(before);
  });
});

describe('a simulator that was killed', () => {
  it('starts again under the same address with the same certificate', async () => {
    const { thumbprint } = vsphere;
    await vsphere.kill();
    await expect(Soap.login(vsphere)).rejects.toThrow(/ECONNREFUSED/);
    await vsphere.restart();
    expect(vsphere.thumbprint).toBe(thumbprint);
    await Soap.login(vsphere);
    expect(await vsphere.journal()).toEqual([]);
  });
});
