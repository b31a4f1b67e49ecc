import { describe, expect, it } from '@jest/globals';
import type { SourceGuest } from '@ledgerlift/contracts';
import { firstBootScript, macArguments, staticNics } from './addresses.js';

type Nic = SourceGuest['nics'][number];
const MAC = '00:50:56:AA:BB:CC';
const nic = (more: Partial<Nic> = {}): Nic => ({
  mac: MAC,
  addresses: [{ ip: '10.0.0.5', prefix: 24, origin: 'static' }],
  dns: ['10.0.0.2', '10.0.0.3'],
  ...more,
});
const out = { network: '0.0.0.0', prefix: 0, gateway: '10.0.0.1' };
const guestOf = (nics: Nic[], routes: SourceGuest['routes'] = [out]) => ({
  guest: { tools: 'running' as const, nics, routes },
});

describe('the arguments of virt-v2v for a Windows guest', () => {
  it('are address, gateway, prefix and DNS of each NIC', () => {
    expect(macArguments(staticNics(guestOf([nic()])))).toEqual([
      '--mac',
      '00:50:56:aa:bb:cc:ip:10.0.0.5,10.0.0.1,24,10.0.0.2,10.0.0.3',
    ]);
  });

  it('omit DHCP and link-local addresses', () => {
    const addresses = [
      { ip: '10.0.0.5', prefix: 24, origin: 'dhcp' as const },
      { ip: 'fe80::1', prefix: 64, origin: 'other' as const },
    ];
    expect(staticNics(guestOf([nic({ addresses })]))).toEqual([]);
  });

  it('treat an address of unknown origin as static, unless the NIC also has DHCP', () => {
    const unknown = { ip: '10.0.0.6', prefix: 24 };
    expect(staticNics(guestOf([nic({ addresses: [unknown] })]))[0]?.addresses).toEqual([unknown]);
    const dhcp = { ip: '10.0.0.5', prefix: 24, origin: 'dhcp' as const };
    expect(staticNics(guestOf([nic({ addresses: [dhcp, unknown] })]))).toEqual([]);
  });

  it('are empty without reports from the tools', () => {
    expect(staticNics({})).toEqual([]);
  });
});

describe("a Windows guest's first boot", () => {
  it('needs no script for one address and one gateway', () => {
    expect(firstBootScript(staticNics(guestOf([nic()])))).toBeUndefined();
  });

  it('adds further addresses and routes', () => {
    const addresses = [
      { ip: '10.0.0.5', prefix: 24, origin: 'static' as const },
      { ip: '10.0.0.6', prefix: 25, origin: 'static' as const },
    ];
    const routes = [out, { network: '172.16.0.0', prefix: 12, gateway: '10.0.0.9' }];
    const script = firstBootScript(staticNics(guestOf([nic({ addresses })], routes)));
    expect(script).toContain("$index = Get-Index '00-50-56-AA-BB-CC'");
    expect(script).toContain("Add-Address $index '10.0.0.6' 25");
    expect(script).toContain("Add-Route $index '172.16.0.0/12' '10.0.0.9'");
    expect(script).not.toContain('10.0.0.5');
  });

  it('runs no code injected by a guest', () => {
    const evil = "1.2.3.4'; Remove-Item C:\\ #";
    const routes = [{ network: evil, prefix: 8, gateway: evil }];
    const nics = [nic({ mac: evil }), nic({ addresses: [{ ip: evil, prefix: 24 }], dns: [evil] })];
    expect(staticNics(guestOf(nics, routes))).toEqual([]);
  });
});
