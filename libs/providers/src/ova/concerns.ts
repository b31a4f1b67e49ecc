import type { Concern, SourceDisk, SourceVm } from '@ledgerlift/contracts';
import { MOST_DISKS } from '../most-disks.js';

/** Concerns about a VM in an OVA, whatever wrote it; their ids are those that users know from Forklift. */
export function ovaConcerns(vm: Omit<SourceVm, 'concerns' | 'fingerprint'>): readonly Concern[] {
  const concerns: Concern[] = vm.disks
    .filter(({ capacityBytes }) => capacityBytes <= 0)
    .map(({ name, capacityBytes }) => ({
      id: 'ova.disk.capacity.invalid',
      category: 'Critical',
      label: `Disk '${name}' has an invalid capacity of ${capacityBytes} bytes`,
      assessment:
        'A disk without capacity cannot be migrated. Correct the capacity in the OVF, or export the VM again.',
    }));
  const warn = (applies: boolean, id: string, label: string, assessment: string): void => {
    if (applies) concerns.push({ id, category: 'Warning', label, assessment });
  };
  warn(
    vm.cpu.affinity.length > 0,
    'ova.cpu_affinity.detected',
    'CPU affinity detected',
    'The VM is pinned to CPUs of its host. The target VM is not pinned; pin it there if it must be.',
  );
  warn(
    vm.cpu.hotAdd || vm.memory.hotAdd,
    'ova.cpu_memory.hotplug.enabled',
    'CPU/Memory hotplug detected',
    'CPUs or memory can be added to the running source. The target VM is made with what the source has, without hotplug.',
  );
  warn(
    vm.disks.length > MOST_DISKS,
    'ova.disk.count.exceeds.limit',
    `VM has ${vm.disks.length} disks, which exceeds the limit of ${MOST_DISKS}`,
    'The target VM may not start with so many disks. Attach some of them as hotplugged volumes.',
  );
  warn(
    vm.exportedBy === 'unknown',
    'ova.source.unsupported',
    'Unsupported OVA source',
    'The OVA was not exported by VMware or VirtualBox. It was read by the standard; look at the VM before you start.',
  );
  warn(
    !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(vm.name),
    'ova.name.invalid',
    'Invalid VM Name',
    `'${vm.name}' is no DNS-1123 label, so the target VM gets another name; give it one in the plan if you care.`,
  );
  return concerns;
}

/** No guest starts with less. */
const LEAST_MEMORY = 1024 * 1024;

/** About memory in a unit that was not meant: the OVF is believed, and somebody must look at it. */
export const littleMemory = (bytes: number): readonly Concern[] =>
  bytes >= LEAST_MEMORY
    ? []
    : [
        {
          id: 'ova.memory.suspicious',
          category: 'Warning',
          label: `VM has ${bytes} bytes of memory`,
          assessment: 'The OVF says no more, or says it in a unit that was not meant. Correct it in the OVF.',
        },
      ];

/** About a disk that the OVF declares without a file. */
export const blankDisk = ({ name, capacityBytes }: SourceDisk): Concern => ({
  id: 'ova.disk.blank',
  category: 'Information',
  label: `Disk '${name}' is empty`,
  assessment: `The OVF has no file for it. The target gets an empty disk of ${capacityBytes} bytes.`,
});

/** @param declared bytes by the OVF */
export const otherCapacity = ({ name, capacityBytes }: SourceDisk, declared: number): Concern => ({
  id: 'ova.disk.capacity.differs',
  category: 'Warning',
  label: `Disk '${name}' has ${capacityBytes} bytes by its image and ${declared} by the OVF`,
  assessment:
    'The image is what is migrated, so its capacity counts. Some exporters write the size of the file.',
});

/** @param why it cannot be read */
export const unreadableConfiguration = (configuration: string, why: string): Concern => ({
  id: 'ova.configuration.unreadable',
  category: 'Warning',
  label: `Configuration '${configuration}' cannot be read: ${why}`,
  assessment: 'A plan cannot choose this configuration. The others are not affected.',
});
