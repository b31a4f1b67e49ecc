import { describe, expect, it } from '@jest/globals';
import type { SourceGuest } from '@ledgerlift/contracts';
import { devices, disk, foundWith, text } from '../concerns/spec/raw-vm.js';
import { type VimNode, vimReader } from '../soap/xml.js';
import { guestOf } from './source-vm.js';

describe('a VM of a vCenter', () => {
  it('may run VMs itself where its settings say so', () => {
    expect(foundWith({ vm: { 'config.nestedHVEnabled': text('true') } }).cpu.nested).toBe(true);
    expect(foundWith({ vm: { 'config.nestedHVEnabled': text('false') } }).cpu).not.toHaveProperty('nested');
    expect(foundWith({}).cpu).not.toHaveProperty('nested');
  });

  it('has sectors of 4096 bytes on native 4K disks alone', () => {
    const formats = ['native_4k', 'emulated_512', 'native_512', undefined];
    const disks = formats.map((format, unit) =>
      disk({ key: 2000 + unit, unit, ...(format === undefined ? {} : { format }) }),
    );
    const found = foundWith({ vm: { 'config.hardware.device': devices(...disks) } });
    expect(found.disks.map(({ sectorBytes }) => sectorBytes)).toEqual([
      4096,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

function nodeOf(xml: string): VimNode {
  const reader = vimReader();
  reader.take(`<val>${xml}</val>`);
  return reader.end();
}
const adapter = (mac: string | undefined, ip: string): string =>
  `<GuestNicInfo>${mac === undefined ? '' : `<macAddress>${mac}</macAddress>`}<ipConfig><ipAddress>` +
  `<ipAddress>${ip}</ipAddress><prefixLength>24</prefixLength></ipAddress></ipConfig></GuestNicInfo>`;
const route = (network: string, gateway: string, device?: number): string =>
  `<ipRoute><network>${network}</network><prefixLength>0</prefixLength><gateway><ipAddress>${gateway}</ipAddress>` +
  `${device === undefined ? '' : `<device>${device}</device>`}</gateway></ipRoute>`;
const guest = (adapters: readonly string[], routes: readonly string[]): SourceGuest =>
  guestOf(
    new Map([
      ['guest.net', nodeOf(adapters.join(''))],
      [
        'guest.ipStack',
        nodeOf(`<GuestStackInfo><ipRouteConfig>${routes.join('')}</ipRouteConfig></GuestStackInfo>`),
      ],
    ]),
  );

const A = '00:50:56:00:00:0a';
const B = '00:50:56:00:00:0b';
const vpn = adapter(undefined, '10.8.0.2');
const both = [adapter('00:50:56:00:00:0A', '192.0.2.10'), adapter(B, '198.51.100.10')];

describe('a route that a guest tells', () => {
  it('belongs to the adapter at its place in the list as vSphere has it', () => {
    const { nics, routes } = guest([vpn, ...both], [route('0.0.0.0', '192.0.2.1', 1)]);
    expect(nics.map(({ mac }) => mac)).toEqual([A, B]);
    expect(routes).toEqual([{ network: '0.0.0.0', prefix: 0, gateway: '192.0.2.1', mac: A }]);
    expect(guest(both, [route('0.0.0.0', '198.51.100.1', 1)]).routes[0]?.mac).toBe(B);
  });

  it('is left out where its adapter is none of the VM', () => {
    expect(guest([vpn, ...both], [route('0.0.0.0', '10.8.0.1', 0)]).routes).toEqual([]);
  });

  it('belongs to no certain adapter where the guest names none, or one that is not listed', () => {
    const { routes } = guest(both, [route('0.0.0.0', '192.0.2.1'), route('0.0.0.0', '192.0.2.1', 7)]);
    expect(routes.map((each) => each.mac)).toEqual([undefined, undefined]);
  });
});
