import type { Concern, SourceVm } from '@ledgerlift/contracts';
import { MOST_DISKS } from '../most-disks.js';

/** The six concerns about a VM in an OVA; their ids are those that users know from Forklift. */
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
