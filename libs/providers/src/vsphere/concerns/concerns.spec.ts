import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { MOST_DISKS } from '../../port.js';
import { SURROUNDING_PATHS, VM_PATHS } from '../inventory/paths.js';
import { CLUSTER_PATHS, CONCERN_PATHS, HOST_PATHS } from './subject.js';
import {
  type Changes,
  concernsWith,
  device,
  devices,
  disk,
  fileSystem,
  guestNic,
  NIC,
  settings,
  text,
  val,
} from './spec/raw-vm.js';

const MIB = 1024 * 1024;
const withDisk = (parts: Parameters<typeof disk>[0]): Changes => ({
  vm: { 'config.hardware.device': devices(disk(parts), NIC) },
});
const withDevice = (kind: string): Changes => ({
  vm: { 'config.hardware.device': devices(disk(), NIC, device(kind, '<key>9000</key>')) },
});
const vm = (properties: NonNullable<Changes['vm']>): Changes => ({ vm: properties });
const disks = (count: number): Changes =>
  vm({
    'config.hardware.device': devices(
      ...Array.from({ length: count }, (_, n) => disk({ key: 2000 + n, unit: n })),
      NIC,
    ),
    'config.extraConfig': settings({}),
  });
const hostRule = (group: string): string =>
  '<rule xsi:type="ClusterVmHostRuleInfo"><enabled>true</enabled><vmGroupName>web-vms</vmGroupName></rule>' +
  `<group xsi:type="ClusterVmGroup"><name>${group}</name><vm type="VirtualMachine">vm-61</vm>` +
  '<vm type="VirtualMachine">vm-62</vm></group>';
const mode = (diskMode: string): Changes => withDisk({ backing: `<diskMode>${diskMode}</diskMode>` });
const rdm = (compatibility: string): Changes =>
  withDisk({
    kind: 'VirtualDiskRawDiskMappingVer1BackingInfo',
    backing: `<compatibilityMode>${compatibility}</compatibilityMode><diskMode>persistent</diskMode>`,
  });
const encrypted = '<diskMode>persistent</diskMode><keyId><keyId>k1</keyId></keyId>';
const tracked = (extraConfig: Readonly<Record<string, string>>): Changes =>
  vm({
    'config.hardware.device': devices(disk(), disk({ key: 2001, unit: 1 }), NIC),
    'config.extraConfig': settings(extraConfig),
  });
const affinity = (set: string): string => val('VirtualMachineAffinityInfo', set);
const snapshot = (name: string): string =>
  val('VirtualMachineSnapshotInfo', `<rootSnapshotList><name>${name}</name></rootSnapshotList>`);

/** For each concern: VMs about which it is raised, and VMs close to them about which it is not. */
const cases: readonly (readonly [id: string, category: string, raised: Changes, not: Changes])[] = [
  ['vmware.datastore.missing', 'Critical', withDisk({ datastore: '' }), {}],
  ['vmware.disk.capacity.invalid', 'Critical', withDisk({ capacity: 0 }), withDisk({ capacity: 512 })],
  [
    'vmware.guestDisks.freespace',
    'Critical',
    vm({ 'guest.disk': fileSystem('/', 99 * MIB) }),
    vm({ 'guest.disk': fileSystem('/var', 99 * MIB) }),
  ],
  [
    'vmware.guestDisks.freespace',
    'Critical',
    vm({ 'guest.disk': fileSystem('C:\\', 99 * MIB), 'config.guestId': text('windows2019srv_64Guest') }),
    vm({ 'guest.disk': fileSystem('D:\\', 99 * MIB), 'config.guestId': text('windows2019srv_64Guest') }),
  ],
  [
    'vmware.guestDisks.freespace',
    'Critical',
    vm({ 'guest.disk': fileSystem('/boot', 49 * MIB) }),
    vm({ 'guest.disk': fileSystem('/boot', 0, '<filesystemType>iso9660</filesystemType>') }),
  ],
  [
    'vmware.passthrough_device.detected',
    'Critical',
    withDevice('VirtualPCIPassthrough'),
    withDevice('VirtualUSBController'),
  ],
  ['vmware.encryption.detected', 'Critical', withDisk({ backing: encrypted }), {}],
  [
    'vmware.encryption.detected',
    'Critical',
    vm({ 'config.keyId': val('CryptoKeyId', '<keyId>k1</keyId>') }),
    {},
  ],
  [
    'vmware.changed_block_tracking.disabled',
    'Warning',
    vm({ 'config.changeTrackingEnabled': text('false') }),
    {},
  ],
  [
    'vmware.changed_block_tracking.disk.disabled',
    'Warning',
    tracked({ 'scsi0:0.ctkEnabled': 'TRUE', 'scsi0:1.ctkEnabled': 'FALSE' }),
    tracked({ 'scsi0:0.ctkEnabled': 'TRUE', 'scsi0:1.ctkEnabled': 'true' }),
  ],
  [
    'vmware.changed_block_tracking.disk.disabled',
    'Warning',
    tracked({ 'scsi0:0.ctkEnabled': 'TRUE' }),
    tracked({}),
  ],
  ['vmware.consolidation_needed', 'Warning', vm({ 'runtime.consolidationNeeded': text('true') }), {}],
  [
    'vmware.cpu_affinity.detected',
    'Warning',
    vm({ 'config.cpuAffinity': affinity('<affinitySet>0</affinitySet><affinitySet>1</affinitySet>') }),
    vm({ 'config.cpuAffinity': affinity('') }),
  ],
  [
    'vmware.cpu_memory.hotplug.enabled',
    'Warning',
    vm({ 'config.memoryHotAddEnabled': text('true') }),
    vm({ 'config.memoryHotAddEnabled': text('false') }),
  ],
  ['vmware.disk.count.exceeds.limit', 'Warning', disks(MOST_DISKS + 1), disks(MOST_DISKS)],
  ['vmware.disk_mode.independent', 'Warning', mode('independent_persistent'), mode('append')],
  [
    'vmware.host_affinity.detected',
    'Warning',
    { cluster: hostRule('web-vms') },
    { cluster: hostRule('others') },
  ],
  ['vmware.host.not_ready', 'Warning', { host: { 'runtime.inMaintenanceMode': text('true') } }, {}],
  ['vmware.host.not_ready', 'Warning', { host: { 'runtime.connectionState': text('disconnected') } }, {}],
  ['vmware.hostname.empty', 'Warning', vm({ 'guest.hostName': undefined }), {}],
  [
    'vmware.hostname.default',
    'Warning',
    vm({ 'guest.hostName': text('localhost.localdomain') }),
    vm({ 'guest.hostName': text('localhost.example.com') }),
  ],
  [
    'vmware.vm_missing_ip.detected',
    'Warning',
    vm({ 'guest.net': guestNic('') }),
    vm({ 'guest.net': guestNic(''), 'runtime.powerState': text('poweredOff') }),
  ],
  [
    'vmware.vm_missing_ip.detected',
    'Warning',
    vm({ 'guest.net': guestNic('') }),
    vm({ 'guest.net': guestNic(''), 'guest.ipAddress': text('10.0.0.7') }),
  ],
  ['vmware.vm.name.invalid', 'Warning', vm({ name: text('Web Server_1') }), vm({ name: text('web-1') })],
  [
    'vmware.numa_affinity.detected',
    'Warning',
    vm({ 'config.extraConfig': settings({ 'NUMA.nodeAffinity': '0' }) }),
    vm({ 'config.extraConfig': settings({ 'numa.nodeAffinity': '' }) }),
  ],
  [
    'vmware.numa_affinity.detected',
    'Warning',
    vm({ 'config.memoryAffinity': affinity('<affinitySet>0</affinitySet>') }),
    vm({ 'config.memoryAffinity': affinity('') }),
  ],
  ['vmware.disk.rdm.detected', 'Warning', rdm('physicalMode'), {}],
  ['vmware.disk.rdm.detected', 'Warning', rdm('virtualMode'), {}],
  [
    'vmware.disk.shared.detected',
    'Warning',
    withDisk({ backing: '<diskMode>persistent</diskMode><sharing>sharingMultiWriter</sharing>' }),
    withDisk({ backing: '<diskMode>persistent</diskMode><sharing>sharingNone</sharing>' }),
  ],
  [
    'vmware.device.sriov.detected',
    'Warning',
    withDevice('VirtualSriovEthernetCard'),
    withDevice('VirtualE1000'),
  ],
  ['vmware.tpm.detected', 'Warning', withDevice('VirtualTPM'), {}],
  ['vmware.usb_controller.detected', 'Warning', withDevice('VirtualUSBXHCIController'), {}],
  [
    'vmware.os.unsupported',
    'Warning',
    vm({ 'config.guestId': text('freebsd13_64Guest') }),
    vm({ 'config.guestId': text('other5xLinux64Guest') }),
  ],
  [
    'vmware.os.unsupported',
    'Warning',
    vm({ 'config.guestId': text('winNTGuest') }),
    vm({ 'config.guestId': text('winNetStandardGuest') }),
  ],
  [
    'vmware.disk_serial.truncated',
    'Information',
    vm({ 'config.extraConfig': settings({ 'disk.EnableUUID': 'TRUE' }) }),
    vm({ 'config.extraConfig': settings({ 'disk.EnableUUID': 'FALSE' }) }),
  ],
  [
    'vmware.dpm.enabled',
    'Information',
    { cluster: '<dpmConfigInfo><enabled>true</enabled></dpmConfigInfo>' },
    { cluster: '<dpmConfigInfo><enabled>false</enabled></dpmConfigInfo>' },
  ],
  [
    'vmware.drs.enabled',
    'Information',
    { cluster: '<drsConfig><enabled>true</enabled></drsConfig>' },
    { cluster: '<drsConfig><enabled>false</enabled></drsConfig>' },
  ],
  [
    'vmware.fault_tolerance.enabled',
    'Information',
    vm({ 'runtime.faultToleranceState': text('running') }),
    vm({ 'runtime.faultToleranceState': undefined }),
  ],
  [
    'vmware.guestDisks.key.not_found',
    'Information',
    vm({ 'guest.disk': fileSystem('/srv', 5 * 1024 * MIB, '') }),
    {},
  ],
  [
    'vmware.snapshot.detected',
    'Information',
    vm({ snapshot: snapshot('before the update') }),
    vm({ snapshot: snapshot('ledgerlift-0123456789abcdef-0-1') }),
  ],
];

const IDS = [...new Set(cases.map(([id]) => id))];

describe('the concerns about a VM of vSphere', () => {
  it('are none about a sound one', () => expect(concernsWith({})).toEqual([]));

  it.each(cases)('%s (%s) is raised, and not otherwise', (id, category, raised, not) => {
    const found = concernsWith(raised).filter((each) => each.id === id);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ category });
    expect(found[0]?.assessment).toMatch(/\.$/);
    expect(concernsWith(not).map((each) => each.id)).not.toContain(id);
  });

  it('say which disk they are about, each by itself', () => {
    const two = devices(disk({ capacity: 0 }), disk({ key: 2001, unit: 1, capacity: -1 }), NIC);
    const found = concernsWith(vm({ 'config.hardware.device': two }));
    expect(found.filter(({ id }) => id === 'vmware.disk.capacity.invalid').map(({ label }) => label)).toEqual(
      [
        "Disk 'Hard disk 1' has an invalid capacity of 0 bytes",
        "Disk 'Hard disk 2' has an invalid capacity of -1 bytes",
      ],
    );
  });

  it('are raised from what the inventory reads', () => {
    expect(CONCERN_PATHS.filter((path) => !(VM_PATHS as readonly string[]).includes(path))).toEqual([]);
    expect(SURROUNDING_PATHS['HostSystem']).toEqual(expect.arrayContaining([...HOST_PATHS]));
    expect(SURROUNDING_PATHS['ClusterComputeResource']).toEqual(expect.arrayContaining([...CLUSTER_PATHS]));
  });

  it("are Forklift's 29 and two of our own", () => expect(IDS).toHaveLength(31));

  it('are documented, and nothing else is', async () => {
    const page = await readFile(
      new URL('../../../../../docs/reference/concerns-vsphere.md', import.meta.url),
      'utf8',
    );
    const documented = [...page.matchAll(/^\| `(vmware\.[^`]+)`/gm)].map(([, id]) => id);
    expect(documented.toSorted()).toEqual(IDS.toSorted());
  });
});
