import type { Concern, SourceDisk, SourceVm } from '@ledgerlift/contracts';
import { MOST_DISKS } from '../port.js';

/** Raises the concerns about a VM in an OVA from any exporter. Ids are Forklift's, which users know. */
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
    'The VM is pinned to CPUs of its host. The target VM is not; pin it there if needed.',
  );
  warn(
    vm.cpu.hotAdd || vm.memory.hotAdd,
    'ova.cpu_memory.hotplug.enabled',
    'CPU/Memory hotplug detected',
    'CPUs or memory can be added to the running source. The target VM gets the same amounts, without hotplug.',
  );
  warn(
    vm.disks.length > MOST_DISKS,
    'ova.disk.count.exceeds.limit',
    `VM has ${vm.disks.length} disks, which exceeds the limit of ${MOST_DISKS}`,
    'The target VM may not start with this many disks. Attach some of them as hotplugged volumes.',
  );
  warn(
    vm.exportedBy === 'unknown',
    'ova.source.unsupported',
    'Unsupported OVA source',
    'The OVA was not exported by VMware or VirtualBox. It was read by the OVF standard; check the VM before you start.',
  );
  warn(
    !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(vm.name),
    'ova.name.invalid',
    'Invalid VM Name',
    `'${vm.name}' is not a DNS-1123 label, so the target VM gets another name. Set targetName in the plan to choose it.`,
  );
  return concerns;
}

/** No guest starts with less. */
const LEAST_MEMORY = 1024 * 1024;

/** Warns about a memory size that is probably in the wrong unit. The size is used as the OVF states it. */
export const littleMemory = (bytes: number): readonly Concern[] =>
  bytes >= LEAST_MEMORY
    ? []
    : [
        {
          id: 'ova.memory.suspicious',
          category: 'Warning',
          label: `VM has ${bytes} bytes of memory`,
          assessment: 'The OVF states too little memory, or uses the wrong unit. Correct it in the OVF.',
        },
      ];

/** Notes a disk that the OVF declares without a file. */
export const blankDisk = ({ name, capacityBytes }: SourceDisk): Concern => ({
  id: 'ova.disk.blank',
  category: 'Information',
  label: `Disk '${name}' is empty`,
  assessment: `The OVF has no file for it. The target gets an empty disk of ${capacityBytes} bytes.`,
});

/** @param declared size in bytes according to the OVF */
export const otherCapacity = ({ name, capacityBytes }: SourceDisk, declared: number): Concern => ({
  id: 'ova.disk.capacity.differs',
  category: 'Warning',
  label: `Disk '${name}' has ${capacityBytes} bytes in its image, but ${declared} in the OVF`,
  assessment: 'The size of the image is used. Some exporters write the size of the file into the OVF.',
});

/** @param why it cannot be read */
export const unreadableConfiguration = (configuration: string, why: string): Concern => ({
  id: 'ova.configuration.unreadable',
  category: 'Warning',
  label: `Configuration '${configuration}' cannot be read: ${why}`,
  assessment: 'A plan cannot choose this configuration. The others are not affected.',
});
