import type { Concern, DiskBacking, SourceDisk } from '@ledgerlift/contracts';
import { MOST_DISKS } from '../../port.js';
import type { VimNode } from '../soap/xml.js';
import { type Rule, type Subject, rule, ruleOfEach } from './subject.js';

type Backing = Extract<DiskBacking, { kind: 'vsphere' }>;

const backing = (disk: SourceDisk): Backing | undefined =>
  disk.backing.kind === 'vsphere' ? disk.backing : undefined;
const disksWhere =
  (is: (disk: SourceDisk) => boolean) =>
  ({ vm }: Subject): readonly SourceDisk[] =>
    vm.disks.filter(is);
const isRdm = (disk: SourceDisk): boolean => backing(disk)?.format.startsWith('rdm') === true;
const isIndependent = (disk: SourceDisk): boolean => backing(disk)?.mode.startsWith('independent') === true;

/** Rules about disks, their datastores and change tracking. */
export const diskRules: readonly Rule[] = [
  ruleOfEach(
    'vmware.datastore.missing',
    'Critical',
    disksWhere((disk) => backing(disk)?.datastore === '' && !isRdm(disk)),
    ({ name }) => `'${name}' is not located on a datastore`,
    'A disk that is not on a datastore cannot be read. Find its file, or remove it from the VM.',
  ),
  ruleOfEach(
    'vmware.disk.capacity.invalid',
    'Critical',
    disksWhere(({ capacityBytes }) => capacityBytes <= 0),
    ({ name, capacityBytes }) => `Disk '${name}' has an invalid capacity of ${capacityBytes} bytes`,
    'A disk without capacity cannot be migrated. Correct it, or remove it from the VM.',
  ),
  // Not in Forklift: VDDK reads an encrypted disk only with keys of the source's own key server, and then copies plain text.
  rule(
    'vmware.encryption.detected',
    'Critical',
    (subject) =>
      subject.text('config.keyId') !== undefined ||
      subject.devices.some((device) => device.at('backing.keyId') !== undefined),
    'Encrypted VM or disk detected',
    "vSphere encrypts the VM or one of its disks, which nothing else can decrypt. Decrypt it by its storage policy at the source; encrypt the target's storage if required.",
  ),
  rule(
    'vmware.disk.count.exceeds.limit',
    'Warning',
    ({ vm }) => vm.disks.length > MOST_DISKS,
    `VM has more disks than the limit of ${MOST_DISKS}`,
    'The target VM may not start with this many disks. Attach some of them as hotplugged volumes.',
  ),
  ruleOfEach(
    'vmware.disk_mode.independent',
    'Warning',
    disksWhere(isIndependent),
    ({ name }) => `Independent disk detected: '${name}'`,
    'Snapshots omit an independent disk, so it can only be copied while the VM is off. A nonpersistent one discards its changes at power-off.',
  ),
  ruleOfEach(
    'vmware.disk.rdm.detected',
    'Warning',
    disksWhere(isRdm),
    ({ name }) => `Raw Device Mapped disk detected: '${name}'`,
    'The disk is a LUN of a storage array. In virtual mode it is copied like any disk. In physical mode it cannot be copied: attach the LUN to the target VM, or convert it to a disk at the source.',
  ),
  ruleOfEach(
    'vmware.disk.shared.detected',
    'Warning',
    disksWhere(({ shared }) => shared),
    ({ name }) => `Shared disk detected: '${name}'`,
    'Other VMs may write to the disk while it is copied, and each VM gets its own copy. Power off all VMs that use it, and migrate it with one of them.',
  ),
  rule(
    'vmware.changed_block_tracking.disabled',
    'Warning',
    ({ vm }) => vm.changeTracking !== 'on',
    'Changed Block Tracking (CBT) not enabled',
    'A warm migration needs it. Turn it on at the source, or set `warm.enableChangeTracking` in the plan.',
  ),
  ruleOfEach(
    'vmware.changed_block_tracking.disk.disabled',
    'Warning',
    untrackedDisks,
    ({ name }) => `Disk - ${name} does not have CBT enabled`,
    'A warm migration needs change tracking on every disk. Take and remove a snapshot to turn it on for a disk that was added later.',
  ),
  rule(
    'vmware.consolidation_needed',
    'Warning',
    (vm) => vm.flag('runtime.consolidationNeeded'),
    'Snapshot consolidation required',
    'Files of a removed snapshot are still in use; they grow and slow down reads. Consolidate the disks at the source first.',
  ),
  rule(
    'vmware.snapshot.detected',
    'Information',
    ({ vm }) => (vm.snapshots ?? []).some((name) => !name.startsWith('ledgerlift-')),
    'VM snapshot detected',
    'Snapshots are not migrated: the target VM gets only the current state. A warm migration refuses a VM with snapshots.',
  ),
  rule(
    'vmware.disk_serial.truncated',
    'Information',
    (subject) => subject.vm.disks.length > 0 && subject.setting('disk.EnableUUID')?.toUpperCase() === 'TRUE',
    'Disk serial numbers may be truncated',
    'The guest sees disk serial numbers that are longer than virtio supports (20 characters). Make sure that nothing in the guest refers to a disk by its serial number, as /dev/disk/by-id does.',
  ),
  freeSpace,
  ruleOfEach(
    'vmware.guestDisks.key.not_found',
    'Information',
    (subject) => fileSystems(subject).filter((each) => each.list('mappings').length === 0),
    (each) => `Missing disk key mapping for '${each.textAt('diskPath') ?? ''}'`,
    'The guest does not report the disk of this file system: its VMware Tools are older than vSphere 7, or it spans several disks. This does not block a migration.',
  ),
];

/**
 * Finds disks without change tracking although the VM has it on. Each tracked disk has its own setting, such as
 * `scsi0:0.ctkEnabled`. If no disk has one, tracking was requested and begins with the next snapshot.
 */
function untrackedDisks(subject: Subject): readonly SourceDisk[] {
  if (subject.vm.changeTracking !== 'on') return [];
  const isTracked = (name: string): boolean => subject.setting(name)?.toUpperCase() === 'TRUE';
  if (!subject.settingNames.some((name) => /:\d+\.ctkenabled$/.test(name) && isTracked(name))) return [];
  return subject.vm.disks.filter(
    (disk) => !isIndependent(disk) && !isTracked(`${disk.bus}${disk.controller}:${disk.unit}.ctkEnabled`),
  );
}

/** File systems that always report as full. */
const READ_ONLY = /^(iso9660|udf|squashfs|cdfs|tmpfs)$/i;
const fileSystems = (subject: Subject): readonly VimNode[] =>
  (subject.at('guest.disk')?.parts ?? []).filter(
    (each) => !READ_ONLY.test(each.textAt('filesystemType') ?? ''),
  );

const MIB = 1024 * 1024;
/** Free bytes without which virt-v2v refuses to convert (virt-v2v(1), "Minimum free space check in the guest"). */
function leastFree(path: string, family: string): number {
  if (family === 'windows') return /^c:/i.test(path) ? 100 * MIB : 10 * MIB;
  if (path === '/') return 100 * MIB;
  return path === '/boot' ? 50 * MIB : 10 * MIB;
}

function freeSpace(subject: Subject): readonly Concern[] {
  return fileSystems(subject).flatMap((each) => {
    const path = each.textAt('diskPath') ?? '';
    const [free, capacity] = [each.numberAt('freeSpace'), each.numberAt('capacity')];
    const least = leastFree(path, subject.vm.os.family);
    if (free === undefined || capacity === undefined || capacity === 0 || free >= least) return [];
    return [
      {
        id: 'vmware.guestDisks.freespace',
        category: 'Critical' as const,
        label: `Insufficient free space for conversion on '${path}'`,
        assessment: `The conversion needs ${least / MIB} MiB there, but only ${Math.floor(free / MIB)} MiB are free. Free space in the guest.`,
      },
    ];
  });
}
