import type { Concern, DiskBacking, SourceDisk } from '@ledgerlift/contracts';
import { MOST_DISKS } from '../../most-disks.js';
import type { VimNode } from '../soap/node.js';
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

/** About disks, where they lie, and what tracks their changes. */
export const diskRules: readonly Rule[] = [
  ruleOfEach(
    'vmware.datastore.missing',
    'Critical',
    disksWhere((disk) => backing(disk)?.datastore === '' && !isRdm(disk)),
    ({ name }) => `'${name}' is not located on a datastore`,
    'A disk whose file lies on no datastore cannot be read. See where it is, or remove it from the VM.',
  ),
  ruleOfEach(
    'vmware.disk.capacity.invalid',
    'Critical',
    disksWhere(({ capacityBytes }) => capacityBytes <= 0),
    ({ name, capacityBytes }) => `Disk '${name}' has an invalid capacity of ${capacityBytes} bytes`,
    'A disk without capacity cannot be migrated. Correct it, or remove it from the VM.',
  ),
  // Ours: VDDK reads an encrypted disk only with keys of the source's own key server, and then copies what is plain.
  rule(
    'vmware.encryption.detected',
    'Critical',
    (subject) =>
      subject.text('config.keyId') !== undefined ||
      subject.devices.some((device) => device.at('backing.keyId') !== undefined),
    'Encrypted VM or disk detected',
    "vSphere encrypts the VM or one of its disks, whose bytes are worth nothing elsewhere. Decrypt it by its storage policy at the source; encrypt the target's storage if it has to be.",
  ),
  rule(
    'vmware.disk.count.exceeds.limit',
    'Warning',
    ({ vm }) => vm.disks.length > MOST_DISKS,
    `VM has more disks than the limit of ${MOST_DISKS}`,
    'The target VM may not start with so many disks. Attach some of them as hotplugged volumes.',
  ),
  ruleOfEach(
    'vmware.disk_mode.independent',
    'Warning',
    disksWhere(isIndependent),
    ({ name }) => `Independent disk detected: '${name}'`,
    'Snapshots leave an independent disk out, so that it can only be copied while the VM is off; one that is nonpersistent forgets at power-off what was written to it.',
  ),
  ruleOfEach(
    'vmware.disk.rdm.detected',
    'Warning',
    disksWhere(isRdm),
    ({ name }) => `Raw Device Mapped disk detected: '${name}'`,
    'The disk is a LUN of a storage array. In virtual mode it is copied as a disk; in physical mode it cannot be: give the target VM the LUN, or convert it to a disk at the source.',
  ),
  ruleOfEach(
    'vmware.disk.shared.detected',
    'Warning',
    disksWhere(({ shared }) => shared),
    ({ name }) => `Shared disk detected: '${name}'`,
    'Other VMs may write to the disk while it is copied, and each gets a copy of its own. Power off all that use it, and migrate it with one of them.',
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
    'A warm migration needs changes to be tracked on every disk. Take and remove a snapshot, which turns it on for a disk that was added later.',
  ),
  rule(
    'vmware.consolidation_needed',
    'Warning',
    (vm) => vm.flag('runtime.consolidationNeeded'),
    'Snapshot consolidation required',
    'Files of a snapshot that was removed are still in use; they grow, and slow each read down. Consolidate the disks at the source first.',
  ),
  rule(
    'vmware.snapshot.detected',
    'Information',
    ({ vm }) => (vm.snapshots ?? []).some((name) => !name.startsWith('ledgerlift-')),
    'VM snapshot detected',
    'Snapshots are not migrated: the target VM gets the present state only. A warm migration refuses a VM that has some.',
  ),
  rule(
    'vmware.disk_serial.truncated',
    'Information',
    (subject) => subject.vm.disks.length > 0 && subject.setting('disk.EnableUUID')?.toUpperCase() === 'TRUE',
    'Disk serial numbers may be truncated',
    'The guest sees serial numbers of its disks that are longer than virtio can tell (20 characters). See that nothing in the guest names a disk by its serial number, as /dev/disk/by-id does.',
  ),
  freeSpace,
  ruleOfEach(
    'vmware.guestDisks.key.not_found',
    'Information',
    (subject) => fileSystems(subject).filter((each) => each.list('mappings').length === 0),
    (each) => `Missing disk key mapping for '${each.textAt('diskPath') ?? ''}'`,
    'The guest does not tell on which disk the file system lies. That is no hindrance; its VMware Tools are older than vSphere 7, or it spans several disks.',
  ),
];

/**
 * The VM's disks whose changes are not tracked though the VM's are. Each tracked disk has a setting of its own, such as
 * `scsi0:0.ctkEnabled`. Where no disk has one, tracking has been asked for, and begins with the next snapshot.
 */
function untrackedDisks(subject: Subject): readonly SourceDisk[] {
  if (subject.vm.changeTracking !== 'on') return [];
  const isTracked = (name: string): boolean => subject.setting(name)?.toUpperCase() === 'TRUE';
  if (!subject.settingNames.some((name) => /:\d+\.ctkenabled$/.test(name) && isTracked(name))) return [];
  return subject.vm.disks.filter(
    (disk) => !isIndependent(disk) && !isTracked(`${disk.bus}${disk.controller}:${disk.unit}.ctkEnabled`),
  );
}

/** Of which a guest always says that they are full. */
const READ_ONLY = /^(iso9660|udf|squashfs|cdfs|tmpfs)$/i;
const fileSystems = (subject: Subject): readonly VimNode[] =>
  (subject.at('guest.disk')?.parts ?? []).filter(
    (each) => !READ_ONLY.test(each.textAt('filesystemType') ?? ''),
  );

const MIB = 1024 * 1024;
/** What virt-v2v refuses to convert a guest without (virt-v2v(1), "Minimum free space check in the guest"). */
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
        assessment: `The conversion needs ${least / MIB} MiB there, and ${Math.floor(free / MIB)} MiB are free. Make room in the guest.`,
      },
    ];
  });
}
