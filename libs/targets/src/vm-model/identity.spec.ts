import { describe, expect, it } from '@jest/globals';
import { sourceDisk, vmRecord } from '@ledgerlift/testing';
import { diskSerial, machineIdentity, nicAddress } from './identity.js';

describe('the identity of a machine', () => {
  it("is the source's, with the UUID in lower case", () =>
    expect(machineIdentity({ uuid: '423EFD65-a73d-e159-a56d-dd25289f8b0c', serial: 'VMware-42 3e' })).toEqual(
      {
        uuid: '423efd65-a73d-e159-a56d-dd25289f8b0c',
        serial: 'VMware-42 3e',
      },
    ));
  it('is left out where the source has none that a target takes', () => {
    const none = { uuid: undefined, serial: undefined };
    expect(machineIdentity({ uuid: 'none', serial: '' })).toEqual(none);
    expect(machineIdentity({})).toEqual(none);
  });
});

describe('the serial number of a disk', () => {
  const serial = (given?: string, id = 'web', disk = 0) =>
    diskSerial(vmRecord({ vm: { id } }), sourceDisk(disk, given === undefined ? {} : { serial: given }));

  it("is the source's, as far as KubeVirt takes it", () =>
    expect(serial('6000c29 é4f2b1a0c3d5e7f9081726354')).toBe('6000c294f2b1a0c3d5e7'));
  it('is one that stays, and no other disk has, where the source has none', () => {
    for (const each of [serial(), serial('//'), serial('')]) expect(each).toMatch(/^[0-9a-f]{20}$/);
    expect(serial()).toBe(serial());
    expect(new Set([serial(), serial(undefined, 'web', 1), serial(undefined, 'db')]).size).toBe(3);
  });
});

describe('the address of a NIC', () => {
  it.each([
    ['00:50:56:AA:BB:01', 'pod', '00:50:56:aa:bb:01'],
    ['00-50-56-aa-bb-01', 'pod', '00:50:56:aa:bb:01'],
    ['0050.56aa.bb01', 'pod', '00:50:56:aa:bb:01'],
    ['005056aabb01', 'multus', '00:50:56:aa:bb:01'],
    ['02:00:00:00:00:00', 'multus', '02:00:00:00:00:00'],
  ] as const)("is the source's: %s on a %s network is %s", (mac, network, expected) =>
    expect(nicAddress(mac, network)).toBe(expected),
  );
  it.each([
    [undefined, 'pod'],
    ['none', 'multus'],
    ['00:50:56:aa:bb', 'multus'],
    ['00:50:56:aa:bb:01:02:03', 'multus'],
    // Multicast, and what KubeVirt has itself in a pod network.
    ['01:00:5e:00:00:01', 'multus'],
    ['02:00:00:00:00:00', 'pod'],
  ] as const)('is left to the target where the source has %s on a %s network', (mac, network) =>
    expect(nicAddress(mac, network)).toBeUndefined(),
  );
});
