import { describe, expect, it } from '@jest/globals';
import { VmRecord } from '@ledgerlift/contracts';
import { resolvePlan } from './resolve-plan.js';
import { factsWith, vm, vmNamed } from './spec/facts.js';

const resolved = (facts = factsWith([vm()])) => resolvePlan(facts, 'lab', []);

describe('a resolved plan', () => {
  it('has everything that a VM needs, as the log will record it', () => {
    const record = VmRecord.parse({ ...resolved()?.vms[0], migrationId: 'm1', index: 0 });
    expect(record).toMatchObject({
      installation: 'lab',
      planName: 'first-wave',
      targetName: 'web',
      folder: 'default/web',
      nics: [{ nicId: 'nic-0', network: { type: 'pod' } }],
      disks: [{ diskId: 'disk-0', storageClass: 'default', accessMode: 'ReadWriteOnce', format: 'qcow2' }],
    });
    expect(record.disks[0]?.name.startsWith('default/web/')).toBe(true);
  });

  it('sends its steps only to sites that reach both ends', () => {
    const facts = factsWith([vm()]);
    const { source, target } = facts;
    if (source === undefined || target === undefined) throw new Error('the fixture has both');
    const both = resolved({
      ...facts,
      source: { ...source, spec: { ...source.spec, sites: ['far', 'near'] } },
      target: { ...target, spec: { ...target.spec, sites: ['near', 'other'] } },
    });
    expect(both?.vms[0]?.source.provider.spec.sites).toEqual(['near']);
  });

  it('lets a VM override the plan', () => {
    const vms = [
      {
        ref: 'web',
        targetName: 'www',
        targetPowerState: 'off',
        labels: { tier: 'front' },
        rootDisk: '/dev/sda2',
      },
    ];
    const facts = factsWith([vm()], {
      spec: { vms, labels: { tier: 'any', wave: '1' }, targetPowerState: 'on' },
    });
    expect(resolved(facts)?.vms[0]).toMatchObject({
      targetName: 'www',
      powerState: 'off',
      labels: { tier: 'front', wave: '1' },
      settings: { rootDisk: '/dev/sda2' },
    });
  });

  it("applies the plan's settings of the target VM, and overrides of a single VM", () => {
    const said = {
      ...{ annotations: { team: 'shop', tier: 'any' }, targetNodeSelector: { zone: 'a', disk: 'ssd' } },
      ...{
        instanceType: { name: 'u1.medium' },
        nestedVirtualization: true,
        pvcNameTemplate: '{plan}-{disk}',
      },
      waitForGuestAgent: true,
    };
    const own = {
      ...{ ref: 'web', annotations: { tier: 'front' }, targetNodeSelector: { zone: 'b' } },
      ...{ nestedVirtualization: false, waitForGuestAgent: false },
    };
    const record = resolved(factsWith([vm()], { spec: { ...said, vms: [own] } }))?.vms[0];
    expect(record?.machine).toEqual({
      annotations: { team: 'shop', tier: 'front' },
      targetNodeSelector: { zone: 'b' },
      instanceType: { name: 'u1.medium', kind: 'VirtualMachineClusterInstancetype' },
      nestedVirtualization: false,
      pvcNameTemplate: '{plan}-{disk}',
    });
    expect(record?.settings.waitForGuestAgent).toBe(false);
    expect(record?.disks.map(({ pvcName }) => pvcName)).toEqual(['first-wave-0']);
    const plain = resolved(factsWith([vm()], { spec: { waitForGuestAgent: true } }))?.vms[0];
    expect(plain?.settings.waitForGuestAgent).toBe(true);
    expect(plain).not.toHaveProperty('machine');
  });

  it('leaves out a NIC whose network is ignored', () => {
    const facts = factsWith([vm()], {
      networks: { pairs: [{ source: 'VM Network', destination: { type: 'ignored' } }] },
    });
    expect(resolved(facts)?.vms[0]?.nics).toEqual([{ nicId: 'nic-0', network: null }]);
  });

  it('is undefined if a part is missing', () => {
    expect(resolved({ ...factsWith([vm()]), networkMapping: undefined })).toBeUndefined();
    expect(
      resolved(factsWith([vmNamed('a')], { spec: { vms: [{ ref: 'a' }, { ref: 'b' }] } })),
    ).toBeUndefined();
  });
});
