import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { checkVsphere } from '../check.js';
import { sessionOf, type VsphereSpec } from '../session.js';
import { readInventory } from '../inventory/index.js';
import { powerOff, powerOn } from '../power.js';
import { retire } from '../retire.js';
import { vsphereSnapshots } from '../snapshots.js';
import { bareVm, patience, vsphereWorld, type World } from '../spec/world.js';
import { missingPrivileges, privilegeUses, requiredPrivileges, type PrivilegeUse } from './index.js';

const every = [...new Set(requiredPrivileges(privilegeUses).map(({ id }) => id))];
const password = 'hunter2 & co';
const nameOf = (missing: string): string => `without-${missing.replaceAll('.', '-').toLowerCase()}`;
/** What cannot be missing where anything can be asked. */
const askable = every.filter((id) => !id.startsWith('System.'));
let world: World;

beforeAll(async () => {
  const users = {
    exact: { password, privileges: every },
    ...Object.fromEntries(
      askable.map((missing) => [
        nameOf(missing),
        { password, privileges: every.filter((id) => id !== missing) },
      ]),
    ),
    old: { password, privileges: every.slice(0, -1), deny: ['FetchUserPrivilegeOnEntities'] },
    mute: { password, privileges: every, deny: ['FetchUserPrivilegeOnEntities', 'HasPrivilegeOnEntities'] },
  };
  world = await vsphereWorld({ users });
});
afterAll(() => world.end());

const provider = (user: string, settings: object = {}): VsphereSpec =>
  world.providerWith(
    { caCertificate: readFileSync(world.vsphere.caFile, 'utf8'), ...settings },
    { user, password },
  );
const ask = (user: string, uses: readonly PrivilegeUse[] = privilegeUses) =>
  missingPrivileges(sessionOf(provider(user)), uses, patience().signal);

describe('the privileges of a user', () => {
  it('are all there when they are exactly those that are required', async () => {
    expect((await ask('exact')).missing).toEqual([]);
    expect(await checkVsphere(provider('exact'))).toEqual([]);
    const { vms } = await readInventory(sessionOf(provider('exact')), () => [], patience().signal);
    expect(vms).toHaveLength(2);
  });

  it('are enough for all that is done to a VM', async () => {
    const spec = provider('exact');
    const vm = await bareVm(world, 'vm1');
    const tracking = { enableChangeTracking: true };
    const { id } = await vsphereSnapshots.create(spec, vm, 'ledgerlift-1', patience(), tracking);
    expect(id).not.toBe('');
    expect(await vsphereSnapshots.remove(spec, vm, 'ledgerlift-1', patience())).toBe('removed');
    const { signal } = patience();
    expect(await powerOff(spec, vm, { timeLimitMs: 1, then: 'force' }, signal)).toHaveProperty('momentId');
    const how = { disconnectNics: true, renameSuffix: '-moved', tag: 'moved' };
    expect(await retire(spec, vm, how, patience())).toHaveLength(3);
    expect(await powerOn(spec, vm, patience())).toBe('on');
  });

  it('are all there of an administrator', async () => {
    const { missing } = await missingPrivileges(sessionOf(world.provider), privilegeUses, patience().signal);
    expect(missing).toEqual([]);
  });

  it.each(askable)('are named where one is missing: %s', async (id) => {
    const { user, missing } = await ask(nameOf(id));
    expect(user).toContain(nameOf(id));
    expect(new Set(missing.map(({ privilege }) => privilege.id))).toEqual(new Set([id]));
    const [problem, ...others] = await checkVsphere(provider(nameOf(id)));
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ item: id, code: 'LL-VSP-020', category: 'Warn' });
    expect(problem?.message).toContain(`lacks ${id} on `);
    expect(JSON.stringify(problem)).not.toContain(password);
  });

  it('are not asked for where nothing needs them', async () => {
    const id = 'VirtualMachine.State.CreateSnapshot';
    expect((await ask(nameOf(id), ['inventory', 'power', 'vddk'])).missing).toEqual([]);
    expect((await ask(nameOf(id), ['warm'])).missing).toMatchObject([{ privilege: { id, scope: 'vm' } }]);
  });

  it('say where, and for how many VMs', async () => {
    const id = 'VirtualMachine.State.CreateSnapshot';
    const [problem] = await checkVsphere(provider(nameOf(id)));
    expect(problem?.message).toMatch(
      /on VirtualMachine 'vm\d' \(vm-\d+\) and 1 more, which is needed for warm/,
    );
  });

  it('are asked for one by one of a server that does not list them', async () => {
    const last = every.at(-1);
    const { missing } = await ask('old');
    expect(new Set(missing.map(({ privilege }) => privilege.id))).toEqual(new Set([last]));
  });

  it('are said to be unknown where the server tells nothing of them', async () => {
    const problems = await checkVsphere(provider('mute'));
    expect(problems).toMatchObject([{ item: 'privileges', code: 'LL-VSP-021', category: 'Warn' }]);
  });
});

describe('the check of a vSphere server', () => {
  it('names hosts that it does not have, and those whose secret is not here', async () => {
    const [host] = (await readInventory(sessionOf(world.provider), () => [], patience().signal)).vms.map(
      (vm) => vm.host,
    );
    const secret = { name: 'nowhere' };
    const spec = provider('exact', {
      hosts: [
        { host: 'esx-99', secret },
        { host, secret },
      ],
    });
    expect(await checkVsphere(spec)).toMatchObject([
      { item: 'esx-99', code: 'LL-VSP-022', category: 'Warn' },
      { item: host, code: 'LL-VSP-023', category: 'Warn' },
    ]);
    const known = { ...spec, settings: { ...spec.settings, hosts: [] } };
    expect(await checkVsphere(known)).toEqual([]);
  });

  it('says what hinders to log in, and that it hinders', async () => {
    const spec = world.providerWith(
      { caCertificate: readFileSync(world.vsphere.caFile, 'utf8') },
      { user: 'exact', password: 'wrong' },
    );
    const [problem] = await checkVsphere(spec);
    expect(problem).toMatchObject({ code: 'LL-VSP-005', field: 'secret' });
    expect(problem?.category).toBeUndefined();
  });
});

describe('a single ESXi host', () => {
  it('is asked for what tells there whether a VM has run, whatever a migration does, and not for tags', async () => {
    const files = ['Datastore.Browse', 'Datastore.FileManagement'];
    const host = await vsphereWorld({
      esxi: true,
      users: { reader: { password, privileges: every.filter((id) => !files.includes(id)) } },
    });
    const spec = host.providerWith(
      { caCertificate: readFileSync(host.vsphere.caFile, 'utf8'), sdkEndpoint: 'esxi' },
      { user: 'reader', password },
    );
    const { missing } = await missingPrivileges(sessionOf(spec), ['moment', 'tag'], patience().signal);
    expect(missing.map(({ privilege }) => privilege.id)).toEqual(files);
    const problems = await checkVsphere(spec);
    expect(problems.map(({ item, message }) => [item, /has run, on a host/.test(message)])).toEqual(
      files.map((id) => [id, true]),
    );
    await host.end();
  });
});
