import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Concern } from '@ledgerlift/contracts';
import type { VimJson, VsphereChange, VsphereVmSpec } from '@ledgerlift/testing';
import { MOST_DISKS } from '../../port.js';
import { readVm } from '../inventory/index.js';
import { sessionOf } from '../session.js';
import { patience, vsphereWorld, type World } from '../spec/world.js';
import { judge } from './index.js';

const MIB = 1024 * 1024;
let world: World;
let count = 0;
beforeAll(async () => {
  world = await vsphereWorld({ vms: 0 });
});
afterAll(() => world.end());

/** A VM of the simulator that differs from a sound one. */
interface Differs {
  readonly spec?: Partial<VsphereVmSpec>;
  readonly set?: VsphereChange;
  readonly snapshot?: string;
}

async function concernsOf({ spec, set, snapshot }: Differs): Promise<readonly Concern[]> {
  const { moref } = await world.vsphere.addVm({
    name: `web-${(count += 1)}`,
    guestId: 'rhel9_64Guest',
    changeTracking: true,
    tools: running,
    disks: [{ capacityBytes: MIB, fill: 0 }],
    ...spec,
  });
  if (snapshot !== undefined) await world.vsphere.snapshotOf(moref, snapshot);
  // Not every host is of a cluster; and vcsim's cluster moves VMs by itself.
  await world.vsphere.vmotion(moref, 'DC0_C0_H0');
  await world.vsphere.set(moref, { of: 'cluster', properties: cluster({}) });
  if (set !== undefined) await world.vsphere.set(moref, await about(moref, set));
  const vm = await readVm(sessionOf(world.provider), moref, judge, patience().signal);
  if (vm === undefined) throw new TypeError('it is gone');
  // No VM can be made on a host that is in maintenance.
  if (set?.of === 'host') await world.vsphere.set(moref, { of: 'host', properties: host(false) });
  return vm.concerns;
}
/** Its own id, where a rule of the cluster names VMs. */
const about = async (moref: string, change: VsphereChange): Promise<VsphereChange> =>
  JSON.parse(JSON.stringify(change).replaceAll('THE_VM', moref)) as VsphereChange;

const running = { status: 'running', ip: '10.0.0.7', hostName: 'web.example.com' } as const;
const is = (type: string, value: unknown): VimJson => ({ _typeName: type, _value: value });
const a = (type: string, fields: object = {}): VimJson => ({ _typeName: type, ...fields });
const property = (path: string, value: VimJson): Differs => ({ set: { properties: { [path]: value } } });
const device = (type: string, fields: object = {}): Differs => ({
  set: { devices: [a(type, { key: 9000, ...fields })] },
});
const datastore = a('ManagedObjectReference', { type: 'Datastore', value: 'datastore-59' });
const disk = (backing: object, capacityInBytes = MIB, type = 'VirtualDiskFlatVer2BackingInfo'): Differs => {
  const file = { fileName: '[LocalDS_0] x/x.vmdk', datastore, uuid: '6000C29a', diskMode: 'persistent' };
  const fields = {
    key: 2100,
    controllerKey: 1000,
    unitNumber: 9,
    capacityInBytes,
    capacityInKB: capacityInBytes / 1024,
  };
  return device('VirtualDisk', { ...fields, backing: a(type, { ...file, ...backing }) });
};
const host = (inMaintenance: boolean): Record<string, VimJson> => ({
  'runtime.inMaintenanceMode': is('boolean', inMaintenance),
});
const cluster = ({ drs = false, dpm = false, group = 'others' }): Record<string, VimJson> => ({
  configurationEx: a('ClusterConfigInfoEx', {
    drsConfig: a('ClusterDrsConfigInfo', { enabled: drs }),
    dpmConfigInfo: a('ClusterDpmConfigInfo', { enabled: dpm }),
    rule: [a('ClusterVmHostRuleInfo', { enabled: true, vmGroupName: 'tied' })],
    group: [
      a('ClusterVmGroup', {
        name: group,
        vm: [a('ManagedObjectReference', { type: 'VirtualMachine', value: 'THE_VM' })],
      }),
    ],
  }),
});
const ofCluster = (is: Parameters<typeof cluster>[0]): Differs => ({
  set: { of: 'cluster', properties: cluster(is) },
});
const fileSystem = (
  diskPath: string,
  freeSpace: number,
  mappings: readonly object[] = [{ key: 2000 }],
): Differs =>
  property(
    'guest.disk',
    is('ArrayOfGuestDiskInfo', [{ diskPath, capacity: 10240 * MIB, freeSpace, mappings }]),
  );
const disks = (n: number): Differs => ({
  spec: { disks: Array.from({ length: n }, () => ({ capacityBytes: MIB, fill: 0 })) },
});
const settings = (extraConfig: Readonly<Record<string, string>>): Differs => ({
  spec: { extraConfig, disks: [{ capacityBytes: MIB }, { capacityBytes: MIB }] },
});
const guest = (guestId: string): Differs => ({ spec: { guestId } });
const tools = (more: object): Differs => ({ spec: { tools: { status: 'running', ...more } } });

/** For each concern, a VM about which it is raised, and one close to it about which it is not. */
const cases: readonly (readonly [id: string, raised: Differs, not: Differs])[] = [
  ['vmware.datastore.missing', disk({ datastore: undefined }), disk({})],
  ['vmware.disk.capacity.invalid', disk({}, 0), disk({}, 1024)],
  ['vmware.encryption.detected', disk({ keyId: a('CryptoKeyId', { keyId: 'k1' }) }), disk({})],
  ['vmware.encryption.detected', property('config.keyId', a('CryptoKeyId', { keyId: 'k1' })), {}],
  ['vmware.guestDisks.freespace', fileSystem('/', 99 * MIB), fileSystem('/', 101 * MIB)],
  ['vmware.passthrough_device.detected', device('VirtualPCIPassthrough'), device('VirtualUSBController')],
  ['vmware.changed_block_tracking.disabled', { spec: { changeTracking: false } }, {}],
  [
    'vmware.changed_block_tracking.disk.disabled',
    settings({ 'scsi0:0.ctkEnabled': 'TRUE', 'scsi0:1.ctkEnabled': 'FALSE' }),
    settings({ 'scsi0:0.ctkEnabled': 'TRUE', 'scsi0:1.ctkEnabled': 'TRUE' }),
  ],
  ['vmware.consolidation_needed', property('runtime.consolidationNeeded', is('boolean', true)), {}],
  [
    'vmware.cpu_affinity.detected',
    property('config.cpuAffinity', a('VirtualMachineAffinityInfo', { affinitySet: [0, 1] })),
    property('config.cpuAffinity', a('VirtualMachineAffinityInfo', { affinitySet: [] })),
  ],
  [
    'vmware.cpu_memory.hotplug.enabled',
    property('config.memoryHotAddEnabled', is('boolean', true)),
    property('config.memoryHotAddEnabled', is('boolean', false)),
  ],
  ['vmware.device.sriov.detected', device('VirtualSriovEthernetCard'), device('VirtualE1000')],
  ['vmware.disk.count.exceeds.limit', disks(MOST_DISKS + 1), disks(MOST_DISKS)],
  [
    'vmware.disk.rdm.detected',
    disk({ compatibilityMode: 'physicalMode' }, MIB, 'VirtualDiskRawDiskMappingVer1BackingInfo'),
    disk({}),
  ],
  ['vmware.disk.shared.detected', disk({ sharing: 'sharingMultiWriter' }), disk({ sharing: 'sharingNone' })],
  [
    'vmware.disk_mode.independent',
    disk({ diskMode: 'independent_persistent' }),
    disk({ diskMode: 'append' }),
  ],
  ['vmware.host.not_ready', { set: { of: 'host', properties: host(true) } }, {}],
  ['vmware.host_affinity.detected', ofCluster({ group: 'tied' }), ofCluster({ group: 'others' })],
  ['vmware.hostname.default', tools({ ip: '10.0.0.7', hostName: 'localhost.localdomain' }), {}],
  ['vmware.hostname.empty', tools({ ip: '10.0.0.7' }), {}],
  [
    'vmware.numa_affinity.detected',
    settings({ 'numa.nodeAffinity': '0' }),
    settings({ 'numa.vcpu.maxPerMachineNode': '1' }),
  ],
  // vcsim takes every guest that it does not know for Linux.
  [
    'vmware.os.unsupported',
    { ...guest('freebsd13_64Guest'), ...property('guest.guestFamily', is('string', 'otherGuestFamily')) },
    guest('other5xLinux64Guest'),
  ],
  ['vmware.os.unsupported', guest('winNTGuest'), guest('winNetStandardGuest')],
  [
    'vmware.tpm.detected',
    { spec: { firmware: 'efi' }, ...device('VirtualTPM') },
    { spec: { firmware: 'efi' } },
  ],
  ['vmware.usb_controller.detected', device('VirtualUSBXHCIController'), {}],
  ['vmware.vm.name.invalid', { spec: { name: 'Web Server_1' } }, { spec: { name: 'web-server-1' } }],
  [
    'vmware.vm_missing_ip.detected',
    tools({ hostName: 'web.example.com' }),
    { spec: { tools: {}, off: true } },
  ],
  [
    'vmware.disk_serial.truncated',
    settings({ 'disk.EnableUUID': 'TRUE' }),
    settings({ 'disk.EnableUUID': 'FALSE' }),
  ],
  ['vmware.dpm.enabled', ofCluster({ dpm: true }), ofCluster({ dpm: false })],
  ['vmware.drs.enabled', ofCluster({ drs: true }), ofCluster({ drs: false })],
  [
    'vmware.fault_tolerance.enabled',
    property('runtime.faultToleranceState', is('VirtualMachineFaultToleranceState', 'running')),
    {},
  ],
  ['vmware.guestDisks.key.not_found', fileSystem('/srv', 5120 * MIB, []), fileSystem('/srv', 5120 * MIB)],
  [
    'vmware.snapshot.detected',
    { snapshot: 'before the update' },
    { snapshot: 'ledgerlift-0123456789abcdef-0-1' },
  ],
];

describe('concerns about VMs of a simulated vCenter', () => {
  it('are none about a sound one', async () => expect(await concernsOf({})).toEqual([]));

  it.each(cases)('%s is raised, and not about a VM close to it', async (id, raised, not) => {
    expect((await concernsOf(raised)).filter((each) => each.id === id)).toHaveLength(1);
    expect((await concernsOf(not)).map((each) => each.id)).not.toContain(id);
  });

  it("are all of Forklift's and our own", () => expect(new Set(cases.map(([id]) => id)).size).toBe(31));
});
