import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { InventoryProblem } from '@ledgerlift/contracts';
import { type Vsphere, startVsphere } from '@ledgerlift/testing';
import { vsphereProvider } from './provider.js';
import type { VsphereSpec } from './session.js';
import { bareVm, patience, vsphereWorld, type World } from './spec/world.js';

const password = 'hunter2 & co';
let world: World;
let expired: Vsphere;
beforeAll(async () => {
  world = await vsphereWorld({
    vms: [{ name: 'web', changeTracking: true }],
    users: {
      reader: { password, privileges: ['System.Anonymous', 'System.Read', 'System.View'] },
      locked: { password, state: 'locked' },
      aged: { password, state: 'password-expired' },
    },
  });
  expired = await startVsphere({ vms: 0, certificate: { expired: true } });
});
afterAll(async () => {
  await expired.stop();
  await world.end();
});
afterEach(() => world.vsphere.clearFaults());

const trusted = (user: string, secret = password): VsphereSpec =>
  world.providerWith(
    { caCertificate: readFileSync(world.vsphere.caFile, 'utf8') },
    { user, password: secret },
  );
const checked = (provider: VsphereSpec): Promise<readonly InventoryProblem[]> =>
  vsphereProvider.check(provider);
const hindering = async (provider: VsphereSpec): Promise<InventoryProblem | undefined> => {
  const problems = await checked(provider);
  expect(problems).toHaveLength(1);
  expect(problems[0]?.category).toBeUndefined();
  expect(JSON.stringify(problems)).not.toContain(password);
  return problems[0];
};
const snapshotBy = async (provider: VsphereSpec): Promise<unknown> =>
  vsphereProvider.snapshots?.create(provider, await bareVm(world, 'web'), 'ledgerlift-1', patience());
const calls = async (method: string): Promise<number> => (await world.vsphere.calls())[method] ?? 0;

describe('what can be wrong with a source has an error of its own', () => {
  it('a wrong thumbprint: both are told', async () => {
    const pinned = world.vsphere.thumbprint256.replace(/^../, (byte) => (byte === '00' ? '01' : '00'));
    const problem = await hindering(world.providerWith({ thumbprint: pinned }));
    expect(problem).toMatchObject({ code: 'LL-VSP-003', field: 'settings.thumbprint' });
    for (const told of [pinned, world.vsphere.thumbprint256, 'verify it at the server'])
      expect(problem?.message).toContain(told);
  });

  it('an expired certificate: it is to be renewed, and may be named until then', async () => {
    const settings = { url: expired.url, caCertificate: readFileSync(expired.caFile, 'utf8') };
    const problem = await hindering(world.providerWith(settings, expired.admin));
    expect(problem?.code).toBe('LL-VSP-004');
    expect(problem?.message).toMatch(
      /it has expired; nothing was sent to it\. Renew it at the server; until then.*'thumbprint'/,
    );
    const named = { url: expired.url, thumbprint: expired.thumbprint256 };
    expect(await checked(world.providerWith(named, expired.admin))).toEqual([]);
  });

  it('a wrong password: it is said which secret has it', async () => {
    const problem = await hindering(trusted('reader', 'not-this-one'));
    expect(problem).toMatchObject({ code: 'LL-VSP-005', field: 'secret' });
    expect(problem?.message).toMatch(/with the secret 'secret-\d+': the user name or the password is wrong$/);
    expect(problem?.message).not.toContain('not-this-one');
  });

  it('a password that has expired', async () => {
    const problem = await hindering(trusted('aged'));
    expect(problem?.code).toBe('LL-VSP-005');
    expect(problem?.message).toContain('the password has expired; set a new one');
  });

  it('a locked account: told from a wrong password, which a login does not, and not tried on and on', async () => {
    const before = [await calls('Login'), await calls('RequestSecurityToken')];
    const provider = trusted('locked');
    const problem = await hindering(provider);
    expect(problem).toMatchObject({ code: 'LL-VSP-024', field: 'secret' });
    expect(problem?.message).toContain('the account is locked; unlock it there, or wait');
    expect(await hindering(provider)).toEqual(problem);
    expect([await calls('Login'), await calls('RequestSecurityToken')]).toEqual(
      before.map((count) => count + 1),
    );
  });

  it('a host, which does not tell a locked account: both are said', async () => {
    await using host = await startVsphere({
      vms: 0,
      esxi: true,
      users: { locked: { password, state: 'locked' } },
    });
    const settings = { url: host.url, sdkEndpoint: 'esxi', thumbprint: host.thumbprint256 };
    const problem = await hindering(world.providerWith(settings, { user: 'locked', password }));
    expect(problem?.code).toBe('LL-VSP-005');
    expect(problem?.message).toContain('the password is wrong, or the account is locked');
  });

  it('a user who may only read: every privilege that is missing is named, and hinders only who needs it', async () => {
    const problems = await checked(trusted('reader'));
    expect(problems.map(({ item }) => item)).toContain('VirtualMachine.State.CreateSnapshot');
    for (const { code, category, message, item } of problems) {
      expect([code, category]).toEqual(['LL-VSP-020', 'Warn']);
      expect(message).toContain(`lacks ${item} on `);
      expect(message).toContain("'ledgerlift vsphere role' prints one");
    }
    const refused = snapshotBy(trusted('reader'));
    await expect(refused).rejects.toMatchObject({ code: 'LL-VSP-008', failure: 'needs-operator' });
    await expect(refused).rejects.toThrow('VirtualMachine.State.CreateSnapshot');
  });

  it.each([
    ['at once', 'fault', 'NoDiskSpace', { datastore: 'LocalDS_0', file: '[LocalDS_0] web/web.vmdk' }],
    ['as the end of a task', 'task-error', 'NoDiskSpace', { datastore: 'LocalDS_0' }],
  ] as const)('a full datastore, %s: it is named', async (_, as, fault, detail) => {
    await world.vsphere.fault({ method: 'CreateSnapshot_Task', as, fault, detail });
    const refused = snapshotBy(world.provider);
    await expect(refused).rejects.toMatchObject({ code: 'LL-VSP-025', failure: 'needs-operator' });
    await expect(refused).rejects.toThrow(/the datastore 'LocalDS_0' is full .*free space on it/);
  });

  it('a full datastore that the host tells in words only', async () => {
    const message = 'msg.snapshot.error-NOSPACE';
    const detail = {
      faultMessage: [
        { key: message, message: 'An error occurred while saving the snapshot: No space left.' },
      ],
    };
    await world.vsphere.fault({
      method: 'CreateSnapshot_Task',
      as: 'task-error',
      fault: 'GenericVmConfigFault',
      detail,
    });
    await expect(snapshotBy(world.provider)).rejects.toMatchObject({ code: 'LL-VSP-025' });
    await world.vsphere.fault({
      method: 'CreateSnapshot_Task',
      as: 'task-error',
      fault: 'GenericVmConfigFault',
    });
    await expect(snapshotBy(world.provider)).rejects.toMatchObject({ code: 'LL-VSP-002' });
  });

  it('and nothing is wrong with one that is right', async () => {
    expect(await checked(world.provider)).toEqual([]);
    expect(await snapshotBy(world.provider)).toHaveProperty('momentId');
  });
});
