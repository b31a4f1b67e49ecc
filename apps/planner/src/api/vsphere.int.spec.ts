/**
 * Express loads CommonJS packages, which must not be given their ES modules.
 *
 * @jest-environment-options {"customExportConditions": ["@ledgerlift/source", "node"]}
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Condition, PlanValidation } from '@ledgerlift/contracts';
import { openTemporaryLog } from '@ledgerlift/event-log/contract';
import { providerSourceAccess } from '@ledgerlift/planning';
import { inventoryOf, networkSpec, storageSpec } from '@ledgerlift/planning/spec';
import { closeSources, sourceProvider } from '@ledgerlift/providers';
import { startVsphere, temporaryFolder, type Vsphere } from '@ledgerlift/testing';
import { PlannerUnderTest } from '../api/spec/planner-under-test.js';

const CAPACITY = 4 * 1024 * 1024;
const SNAPSHOT = 'VirtualMachine.State.CreateSnapshot';
const kinds = ['cold', 'warm', 'retire'];
const role = sourceProvider('vsphere')?.role?.text({ name: 'all', kinds, format: 'json', isVariant: false });
const all = (JSON.parse(role ?? '') as { readonly privileges: { readonly id: string }[] }).privileges.map(
  ({ id }) => id,
);
const user = { user: 'ledgerlift', password: 'hunter2' };
const poor = { user: 'poor', password: 'hunter2' };

const uuid = '420b9c2c-5f6d-4b8c-9a51-0f1ee2a30001';

let vsphere: Vsphere;
let newer: Vsphere;
let planner: PlannerUnderTest;
let temporary: Awaited<ReturnType<typeof openTemporaryLog>>;
const folder = temporaryFolder('vsphere-validation');

beforeAll(async () => {
  const tools = { status: 'running', ip: '10.0.0.7', hostName: 'web.example.com' } as const;
  const sound = {
    changeTracking: true,
    tools,
    guestId: 'rhel9_64Guest',
    disks: [{ capacityBytes: CAPACITY }],
  };
  vsphere = await startVsphere({
    users: {
      ledgerlift: { password: user.password, privileges: all },
      poor: { password: poor.password, privileges: all.filter((id) => id !== SNAPSHOT) },
    },
    vms: [
      { name: 'web', ...sound },
      { name: 'twin-1', ...sound, uuid, instanceUuid: 'a' + uuid.slice(1) },
      { name: 'twin-2', ...sound, uuid, instanceUuid: 'b' + uuid.slice(1) },
      { name: 'windows', ...sound, firmware: 'efi', guestId: 'windows2022srvNext_64Guest' },
      { name: 'asleep', ...sound },
      { name: 'silent', ...sound, tools: { status: 'not-running' }, changeTracking: false },
      {
        name: 'split',
        ...sound,
        disks: [{ capacityBytes: CAPACITY }, { capacityBytes: CAPACITY, mode: 'independent_persistent' }],
      },
    ],
  });
  await vsphere.set('windows', { devices: [{ _typeName: 'VirtualTPM', key: 11000 }] });
  const suspended = { _typeName: 'VirtualMachinePowerState', _value: 'suspended' };
  await vsphere.set('asleep', { properties: { 'runtime.powerState': suspended } });
  // One release after the VDDK that the planner under test hears of.
  newer = await startVsphere({ vms: [{ name: 'web', ...sound }], apiVersion: '9.0.0.0' });
  process.env['LEDGERLIFT_SECRETS_DIR'] = folder.path;
  for (const each of [user, poor, newer.admin]) {
    const [name = ''] = each.user.split('@');
    mkdirSync(folder.file(name));
    writeFileSync(folder.file(name, 'user'), each.user);
    writeFileSync(folder.file(name, 'password'), each.password);
  }
  temporary = await openTemporaryLog();
  planner = await PlannerUnderTest.start(temporary.log, inventoryOf(), providerSourceAccess);
  const made = async (path: string, body: object): Promise<void> => {
    const { status, text } = await planner.call('POST', path, body);
    if (status !== 201) throw new Error(text);
  };
  await made('/providers', { name: 'out', type: 'directory', settings: { path: planner.folder } });
  const trusted = { url: vsphere.url, caCertificate: readFileSync(vsphere.caFile, 'utf8') };
  for (const [name, settings, secret] of [
    ['vcenter', trusted, user],
    ['poorly', trusted, poor],
    ['blindly', { url: vsphere.url, insecureSkipVerify: true }, user],
    ['newer', { url: newer.url, thumbprint: newer.thumbprint256 }, { user: 'administrator' }],
  ] as const) {
    await made('/providers', { name, type: 'vsphere', settings, secret: { name: secret.user } });
    await made('/mappings', { ...networkSpec, name: `nets-${name}`, source: name });
    const pairs = ['LocalDS_0', 'LocalDS_1'].map((source) => ({
      source,
      destination: { storageClass: 'default' },
    }));
    await made('/mappings', { ...storageSpec, name: `disks-${name}`, source: name, pairs });
  }
});
afterAll(async () => {
  await planner.stop();
  await temporary.destroy();
  await closeSources();
  await Promise.all([vsphere.stop(), newer.stop()]);
  await folder.remove();
});

let plans = 0;
async function validation(vm: string, more: object = {}, source = 'vcenter'): Promise<PlanValidation> {
  const name = `plan-${(plans += 1)}`;
  const spec = {
    name,
    source,
    target: 'out',
    networkMapping: `nets-${source}`,
    storageMapping: `disks-${source}`,
    vms: [{ ref: vm }],
    ...more,
  };
  const { status, text } = await planner.call('POST', '/plans', spec);
  if (status !== 201) throw new Error(text);
  return PlanValidation.parse((await planner.call('POST', `/plans/${name}/validate`)).body);
}
const told = ({ conditions }: PlanValidation, type: string): Condition | undefined =>
  conditions.find((each) => each.type === type);
const warm = { type: 'warm' };

describe('a plan of VMs of a vCenter', () => {
  it('is ready, warm and cold, with no more than good advice', async () => {
    for (const type of ['warm', 'cold']) {
      // The simulated tools tell an address without its network, of which no static address can be made.
      const { ready, conditions } = await validation('web', { type, preserveStaticIps: false });
      expect(conditions.filter(({ category }) => category !== 'Advisory')).toEqual([]);
      expect(ready).toBe(true);
    }
  });

  it('is not ready with a disk that snapshots leave out', async () => {
    const found = await validation('split', warm);
    expect(found.ready).toBe(false);
    expect(told(found, 'VMDiskNotSupported')).toMatchObject({ reason: 'Independent' });
    expect(told(found, 'IndependentDiskWarning')).toMatchObject({ category: 'Warn', items: ['split'] });
    expect((await validation('split')).ready).toBe(true);
  });

  it('needs change tracking, or leave to turn it on', async () => {
    expect(told(await validation('silent', warm), 'VMMissingChangedBlockTracking')).toBeDefined();
    const allowed = await validation('silent', { ...warm, warm: { enableChangeTracking: true } });
    expect(told(allowed, 'VMMissingChangedBlockTracking')).toBeUndefined();
    expect(allowed.ready).toBe(true);
  });

  it('asks for tools where its guests must not be powered off otherwise', async () => {
    expect(told(await validation('silent'), 'GuestNotShutDown')).toMatchObject({ items: ['silent'] });
    const found = await validation('silent', { shutdown: { then: 'fail' } });
    expect(told(found, 'GuestToolsIssue')).toMatchObject({ category: 'Critical' });
    expect(found.ready).toBe(false);
  });

  it('names the privilege that it needs and the user lacks, and the inventory is read all the same', async () => {
    const found = await validation('web', warm, 'poorly');
    expect(found.ready).toBe(true);
    expect(told(found, 'InsufficientPrivileges')).toMatchObject({ category: 'Warn', items: [SNAPSHOT] });
    expect(told(await validation('web', {}, 'poorly'), 'InsufficientPrivileges')).toBeUndefined();
    expect(JSON.stringify(found)).not.toContain(user.password);
  });

  it('is told that VDDK is older than its vCenter, and not where it goes with it', async () => {
    const found = await validation('web', warm, 'newer');
    expect(told(found, 'VDDKVersionNotFitting')).toMatchObject({
      category: 'Warn',
      reason: 'OlderThanSource',
      message: expect.stringContaining('vSphere 9.0.0'),
    });
    expect(told(await validation('web', warm), 'VDDKVersionNotFitting')).toBeUndefined();
  });

  it('names VMs whose firmware has the same UUID', async () => {
    expect(told(await validation('twin-1'), 'VMUuidNotUnique')).toMatchObject({
      category: 'Warn',
      items: ['twin-1', 'twin-2'],
      message: expect.stringContaining(uuid),
    });
    expect(told(await validation('web'), 'VMUuidNotUnique')).toBeUndefined();
  });

  it('asks for the word that the recovery key of a Windows with a TPM is held', async () => {
    const found = await validation('windows');
    expect(told(found, 'RecoveryKeyNotHeld')).toMatchObject({ category: 'Critical', items: ['windows'] });
    expect(found.ready).toBe(false);
    const held = await validation('windows', { recoveryKeyHeld: true });
    expect(told(held, 'RecoveryKeyNotHeld')).toBeUndefined();
    expect(told(await validation('web'), 'RecoveryKeyNotHeld')).toBeUndefined();
  });

  it.each(['warm', 'cold'])('is not ready with a suspended VM, %s', async (type) => {
    const found = await validation('asleep', { type });
    expect(told(found, 'VMPowerStateUnsupported')).toMatchObject({ category: 'Critical', items: ['asleep'] });
    expect(found.ready).toBe(false);
    expect(told(await validation('web', { type }), 'VMPowerStateUnsupported')).toBeUndefined();
  });

  it('says that anybody could read the password of a server whose certificate is not looked at', async () => {
    expect(told(await validation('web', {}, 'blindly'), 'ConnectionInsecure')).toBeDefined();
    expect(told(await validation('web'), 'ConnectionInsecure')).toBeUndefined();
  });
});
