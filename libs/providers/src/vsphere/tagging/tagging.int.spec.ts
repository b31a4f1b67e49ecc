import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startVsphere } from '@ledgerlift/testing';
import { readInventory } from '../inventory/index.js';
import { privilegeUses, requiredPrivileges } from '../privileges/index.js';
import { VsphereRest } from '../rest.js';
import { retire } from '../retire.js';
import { sessionOf } from '../session.js';
import { bareVm, patience, vsphereWorld, type World } from '../spec/world.js';

const BASE = '/rest/com/vmware/cis/tagging';
const password = 'hunter2';
const every = requiredPrivileges(privilegeUses).map(({ id }) => id);
const ours = requiredPrivileges(['tag']).map(({ id }) => id);
let world: World;
beforeAll(async () => {
  world = await vsphereWorld({
    vms: [{ name: 'one' }, { name: 'two' }],
    users: Object.fromEntries(
      ours.map((id) => [
        id.split('.').at(-1) ?? '',
        { password, privileges: every.filter((each) => each !== id) },
      ]),
    ),
  });
});
afterAll(() => world.end());

const asked = (tag: string) => ({ disconnectNics: false, tag });
const retired = async (name: string, tag: string, provider = world.provider): Promise<readonly string[]> =>
  retire(provider, await bareVm(world, name), asked(tag), patience());
const tagsOf = async (name: string): Promise<readonly string[] | undefined> => {
  const { vms } = await readInventory(sessionOf(world.provider), () => [], patience().signal);
  return vms.find((vm) => vm.name === name)?.tags?.toSorted();
};
const made = (kind: 'category' | 'tag', spec: object): Promise<unknown> =>
  VsphereRest.within(sessionOf(world.provider), patience().signal, (rest) =>
    rest.ask('POST', `${BASE}/${kind}`, { create_spec: { description: '', ...spec } }),
  );
const categories = (): Promise<unknown> =>
  VsphereRest.within(sessionOf(world.provider), patience().signal, (rest) =>
    rest.ask('GET', `${BASE}/category`),
  );

describe('a source that is tagged', () => {
  it.each([
    ['InventoryService.Tagging.CreateCategory', 'make the category of the tag'],
    ['InventoryService.Tagging.CreateTag', 'make the tag'],
    ['InventoryService.Tagging.AttachTag', 'attach the tag'],
    ['InventoryService.Tagging.ObjectAttachable', 'attach the tag'],
  ])('needs %s', async (id, what) => {
    // In this order, so that each has to do what those before were allowed to.
    const user = { user: id.split('.').at(-1) ?? '', password };
    const provider = world.providerWith({ caCertificate: readFileSync(world.vsphere.caFile, 'utf8') }, user);
    const refused = retired('one', 'denied', provider);
    await expect(refused).rejects.toMatchObject({ code: 'LL-VSP-018', failure: 'needs-operator' });
    await expect(refused).rejects.toThrow(what);
    await expect(refused).rejects.toThrow(id);
    await expect(refused).rejects.toThrow('as a global permission');
    if (id.endsWith('CreateCategory')) await made('category', ourCategory);
    if (id.endsWith('CreateTag')) await retired('two', 'denied');
  });

  it('bears the tag in our category, and again is no work', async () => {
    expect(await retired('one', 'moved')).toEqual(["tagged 'moved'"]);
    expect(await retired('one', 'moved')).toEqual([]);
    expect(await tagsOf('one')).toEqual(['ledgerlift/moved', 'moved']);
    expect(await retired('two', 'moved')).toEqual(["tagged 'moved'"]);
    expect(await categories()).toHaveLength(1);
  });

  it('is told of before it is given, and not where the VM bears it already', async () => {
    await world.vsphere.addVm({ name: 'told', off: true });
    const vm = await bareVm(world, 'told');
    const tagsWhenAsked: unknown[] = [];
    const look = async () => void tagsWhenAsked.push(await tagsOf('told'));
    await retire(world.provider, vm, asked('moved'), patience(), look);
    await retire(world.provider, vm, asked('moved'), patience(), look);
    expect(tagsWhenAsked).toHaveLength(1);
    expect(tagsWhenAsked[0] ?? []).toEqual([]);
  });

  it('is tagged by many at once, and each thing is made once', async () => {
    const names = ['a', 'b', 'c', 'd'].map((each) => `crowd-${each}`);
    for (const name of names) await world.vsphere.addVm({ name, off: true });
    await Promise.all(names.map((name) => retired(name, 'crowded')));
    for (const name of names) expect(await tagsOf(name)).toEqual(['crowded', 'ledgerlift/crowded']);
  });

  it('whose vCenter breaks off is tagged once that is tried again', async () => {
    await world.vsphere.addVm({ name: 'cut', off: true });
    await world.vsphere.fault({ method: 'POST /rest', as: 'cut', skip: 1 });
    await expect(retired('cut', 'moved')).rejects.toMatchObject({ failure: 'transient' });
    await retired('cut', 'moved');
    expect(await tagsOf('cut')).toEqual(['ledgerlift/moved', 'moved']);
  });

  it('bears a tag of a category of its own, which has to be there', async () => {
    await expect(retired('one', 'fate:moved')).rejects.toMatchObject({
      code: 'LL-VSP-017',
      failure: 'needs-operator',
      message: expect.stringContaining("there is no category 'fate'"),
    });
    const category_id = await made('category', {
      name: 'fate',
      cardinality: 'SINGLE',
      associable_types: ['VirtualMachine'],
    });
    await expect(retired('one', 'fate:moved')).rejects.toThrow("the category 'fate' has no tag 'moved'");
    await made('tag', { name: 'moved', category_id });
    expect(await retired('one', 'fate:moved')).toEqual(["tagged 'fate:moved'"]);
    expect(await retired('one', 'fate:moved')).toEqual([]);
    expect(await tagsOf('one')).toEqual(['fate/moved', 'ledgerlift/moved', 'moved', 'moved']);
  });

  it('is not told as tagged when vCenter refuses', async () => {
    await world.vsphere.fault({ method: 'POST /rest', as: 'http', status: 400, skip: 3 });
    await expect(retired('two', 'refused')).rejects.toMatchObject({ code: 'LL-VSP-019' });
    await world.vsphere.clearFaults();
  });

  it('of a host without a vCenter is retired all the same, and it is said that there are no tags', async () => {
    await using host = await startVsphere({ vms: [{ name: 'alone', off: true }], esxi: true });
    const settings = { url: host.url, sdkEndpoint: 'esxi', thumbprint: host.thumbprint256 };
    const provider = world.providerWith(settings, host.admin);
    const vm = await bareVm({ ...world, vsphere: host }, 'alone');
    const did = await retire(provider, vm, { ...asked('moved'), renameSuffix: '-old' }, patience());
    expect(did).toEqual([
      "renamed to 'alone-old'",
      expect.stringMatching(/^not tagged: LL-VSP-016 127\.0\.0\.1:\d+ has no tags/),
    ]);
  });
});

const ourCategory = { name: 'ledgerlift', cardinality: 'MULTIPLE', associable_types: ['VirtualMachine'] };
