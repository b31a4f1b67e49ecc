import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startVsphere } from '@ledgerlift/testing';
import { readFileSync } from 'node:fs';
import { sessionOf, type VsphereSpec } from './session.js';
import { propertiesOf } from './soap/properties.js';
import { patience, vsphereWorld, type World } from './spec/world.js';

let world: World;
beforeAll(async () => {
  world = await vsphereWorld({
    users: {
      locked: { password: 'right', state: 'locked' },
      blind: { password: 'right', deny: ['RetrievePropertiesEx'] },
    },
  });
});
afterAll(() => world.end());

const nameOf = async (provider: VsphereSpec): Promise<string | undefined> => {
  const session = sessionOf(provider);
  const { signal } = patience();
  const { rootFolder } = await session.content(signal);
  return (await propertiesOf(session, rootFolder, ['name'], signal)).get('name')?.text;
};
const calls = async (method: string): Promise<number> => (await world.vsphere.calls())[method] ?? 0;

describe('a certificate', () => {
  it.each(['thumbprint', 'thumbprint256'] as const)('is taken by its %s', async (kind) => {
    expect(await nameOf(world.providerWith({ thumbprint: world.vsphere[kind].toLowerCase() }))).toBe(
      'Datacenters',
    );
  });

  it('is taken by who signed it, or by an explicit choice to take any', async () => {
    expect(await nameOf(world.provider)).toBe('Datacenters');
    expect(await nameOf(world.providerWith({ insecureSkipVerify: true }))).toBe('Datacenters');
  });

  it('that is not the pinned one is told with both, and nothing is sent', async () => {
    const before = await calls('RetrieveServiceContent');
    const thumbprint = world.vsphere.thumbprint.replace(/^../, (byte) => (byte === '00' ? '01' : '00'));
    const refused = nameOf(world.providerWith({ thumbprint }));
    await expect(refused).rejects.toMatchObject({ code: 'LL-VSP-003', failure: 'needs-operator' });
    await expect(refused).rejects.toThrow(world.vsphere.thumbprint);
    expect(await calls('RetrieveServiceContent')).toBe(before);
  });

  it('of an unknown authority is refused', async () => {
    await expect(nameOf(world.providerWith({}))).rejects.toMatchObject({ code: 'LL-VSP-004' });
  });

  it.each([
    [{ expired: true }, 'it has expired'],
    [{ notYet: true }, 'it is not valid yet'],
    [{ wrongName: true }, 'it is for another name'],
  ])('with %j is refused for that', async (certificate, says) => {
    await using other = await startVsphere({ certificate, vms: 0 });
    const settings = { url: other.url, caCertificate: readFileSync(other.caFile, 'utf8') };
    const refused = nameOf(world.providerWith(settings));
    await expect(refused).rejects.toMatchObject({ code: 'LL-VSP-004', failure: 'needs-operator' });
    await expect(refused).rejects.toThrow(says);
  });
});

describe('a login', () => {
  const trusted = (user: string, password: string): VsphereSpec =>
    world.providerWith({ thumbprint: world.vsphere.thumbprint256 }, { user, password });

  it('with a wrong password is refused, and not tried again at once', async () => {
    const provider = trusted(world.vsphere.admin.user, 'not-this-one');
    const before = await calls('Login');
    const refused = nameOf(provider);
    await expect(refused).rejects.toMatchObject({ code: 'LL-VSP-005', failure: 'needs-operator' });
    await expect(refused).rejects.not.toThrow('not-this-one');
    await expect(nameOf(provider)).rejects.toMatchObject({ code: 'LL-VSP-005' });
    expect((await calls('Login')) - before).toBe(1);
  });

  it('without its secret says where it was looked for', async () => {
    const provider = { ...world.provider, secret: { name: 'nowhere' } };
    await expect(nameOf(provider)).rejects.toMatchObject({ code: 'LL-SEC-001', failure: 'needs-operator' });
  });

  it('that may not do something is told the privilege that it lacks', async () => {
    await expect(nameOf(trusted('blind', 'right'))).rejects.toMatchObject({
      code: 'LL-VSP-008',
      failure: 'needs-operator',
    });
  });
});

describe('a session', () => {
  it('is kept, and renewed once for all when the server has forgotten it', async () => {
    const provider = world.providerWith({ thumbprint: world.vsphere.thumbprint256 });
    const before = await calls('Login');
    await Promise.all([1, 2, 3].map(() => nameOf(provider)));
    expect((await calls('Login')) - before).toBe(1);
    await world.vsphere.expireSessions();
    expect(await Promise.all([1, 2, 3].map(() => nameOf(provider)))).toEqual(Array(3).fill('Datacenters'));
    expect((await calls('Login')) - before).toBe(2);
  });

  it('survives a cut connection as a transient failure', async () => {
    await world.vsphere.fault({ method: 'RetrievePropertiesEx', as: 'cut' });
    await expect(nameOf(world.provider)).rejects.toMatchObject({ code: 'LL-VSP-001', failure: 'transient' });
    expect(await nameOf(world.provider)).toBe('Datacenters');
  });

  it('is logged out at its end, and can be used again', async () => {
    const session = sessionOf(world.provider);
    await nameOf(world.provider);
    const before = await calls('Logout');
    await session.close();
    expect((await calls('Logout')) - before).toBe(1);
    expect(await nameOf(world.provider)).toBe('Datacenters');
  });
});

describe('a fault', () => {
  it.each([
    ['TaskInProgress', 'transient'],
    ['InvalidArgument', 'permanent'],
    ['LicenseRestricted', 'needs-operator'],
  ] as const)('%s has its own name, and is %s', async (fault, failure) => {
    await world.vsphere.fault({ method: 'RetrievePropertiesEx', fault });
    await expect(nameOf(world.provider)).rejects.toMatchObject({ code: 'LL-VSP-002', fault, failure });
  });
});
