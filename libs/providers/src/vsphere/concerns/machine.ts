import type { SourceVm } from '@ledgerlift/contracts';
import { rule, type Rule, type Subject } from './subject.js';

/** Rules about processors, memory and devices. */
export const hardwareRules = [
  rule(
    'vmware.passthrough_device.detected',
    'Critical',
    (vm) => vm.has(/^VirtualPCIPassthrough$/),
    'Passthrough device detected',
    'A PCI device of the host is passed through to the VM, which prevents migration and snapshots. Remove the device from the VM; attach one of its cluster to the target VM if needed.',
  ),
  rule(
    'vmware.cpu_affinity.detected',
    'Warning',
    ({ vm }) => vm.cpu.affinity.length > 0,
    'CPU affinity detected',
    'The VM is pinned to CPUs of its host. The target VM is not; request dedicated CPUs there if needed.',
  ),
  rule(
    'vmware.numa_affinity.detected',
    'Warning',
    (vm) =>
      (vm.setting('numa.nodeAffinity') ?? '').trim() !== '' ||
      (vm.at('config.memoryAffinity')?.list('affinitySet').length ?? 0) > 0,
    'NUMA node affinity detected',
    'The VM is pinned to NUMA nodes of its host. The target VM is placed by its cluster.',
  ),
  rule(
    'vmware.cpu_memory.hotplug.enabled',
    'Warning',
    ({ vm }) => vm.cpu.hotAdd || vm.memory.hotAdd,
    'CPU/Memory hotplug detected',
    'CPUs or memory can be added to the running source. The target VM gets the same amounts, without hotplug.',
  ),
  rule(
    'vmware.device.sriov.detected',
    'Warning',
    (vm) => vm.has(/^VirtualSriovEthernetCard$/),
    'SR-IOV passthrough adapter configuration detected',
    'A network adapter is a virtual function of a card of the host. The target VM gets one only if its network is mapped to one with SR-IOV.',
  ),
  rule(
    'vmware.tpm.detected',
    'Warning',
    ({ vm }) => vm.tpm,
    'TPM detected',
    'The content of the TPM is not migrated: the target VM gets an empty one. Have recovery keys ready for anything sealed in it, such as BitLocker.',
  ),
  rule(
    'vmware.usb_controller.detected',
    'Warning',
    (vm) => vm.has(/^VirtualUSB(XHCI)?Controller$/),
    'USB controller detected',
    'USB devices that are attached to the VM are not migrated. The target VM always has a keyboard and a tablet.',
  ),
];

/** Host names of guests that were never named. */
const DEFAULT_NAME =
  /^(localhost[46]?(\.localdomain[46]?)?|localhost-live|linux|debian|ubuntu|fedora|centos|\(none\))$/i;
/** Versions of Windows and Linux that virt-v2v cannot convert (virt-v2v-support(1)). */
const TOO_OLD =
  /^win(31|95|98|me|nt|2000)|^rhel[234]_?|^rhel[234](64)?guest|^redhatguest|^suseguest|^vmkernel|^crx/i;

const isUnsupported = ({ id, family }: SourceVm['os']): boolean =>
  (family !== 'linux' && family !== 'windows') || TOO_OLD.test(id);

/** Rules about the guest and the facts that its tools report. */
export const guestRules: readonly Rule[] = [
  rule(
    'vmware.os.unsupported',
    'Warning',
    ({ vm }) => isUnsupported(vm.os),
    'Unsupported operating system detected',
    'virt-v2v cannot convert the operating system that is set for the guest. If the setting is wrong, correct it at the source; otherwise migrate with `skipGuestConversion` and check the result.',
  ),
  rule(
    'vmware.vm.name.invalid',
    'Warning',
    ({ vm }) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(vm.name),
    'Invalid VM Name',
    'The name is not a DNS-1123 label, so the target VM gets another one. Set `targetName` in the plan to choose it.',
  ),
  rule(
    'vmware.hostname.empty',
    'Warning',
    ({ vm }) => vm.guest !== undefined && (vm.guest.hostName ?? '') === '',
    'Empty Host Name',
    'The guest reports no host name, so none is set for the target VM, and DHCP may give it another one than before.',
  ),
  rule(
    'vmware.hostname.default',
    'Warning',
    ({ vm }) => DEFAULT_NAME.test(vm.guest?.hostName ?? ''),
    'Default Host Name',
    'The guest still has a default host name, so DHCP may give the target VM another one. Set a host name first.',
  ),
  rule(
    'vmware.vm_missing_ip.detected',
    'Warning',
    (subject) => subject.vm.powerState === 'on' && subject.vm.nics.length > 0 && !tellsAddress(subject),
    'VM is missing IP addresses',
    'The guest reports no IP address, so static ones cannot be preserved. Make sure that its VMware Tools run.',
  ),
];

/** Old VMware Tools report bare addresses, without prefix lengths and the like. */
const tellsAddress = (subject: Subject): boolean =>
  (subject.text('guest.ipAddress') ?? '') !== '' ||
  (subject.vm.guest?.nics ?? []).some(({ addresses }) => addresses.length > 0) ||
  (subject.at('guest.net')?.parts ?? []).some((nic) => nic.list('ipAddress').length > 0);

/** Rules about the VM's host and cluster. */
export const placementRules: readonly Rule[] = [
  rule(
    'vmware.host_affinity.detected',
    'Warning',
    isTiedToHosts,
    'VM-Host affinity detected',
    'A rule of the cluster ties the VM to some hosts. The target VM is placed by its cluster; set node affinity there if needed.',
  ),
  // Not a concern in Forklift, which raises it on plans only.
  rule(
    'vmware.host.not_ready',
    'Warning',
    ({ place, raw }) =>
      place.host?.get('runtime.inMaintenanceMode')?.text === 'true' ||
      isAway(place.host?.get('runtime.connectionState')?.text) ||
      isAway(raw.properties.get('runtime.connectionState')?.text),
    'The host of the VM is in maintenance or not connected',
    "Disks are read through the VM's host. Make sure that it is connected and not in maintenance mode, or move the VM.",
  ),
  rule(
    'vmware.drs.enabled',
    'Information',
    ({ cluster }) => cluster?.flagAt('drsConfig.enabled') === true,
    'VM running in a DRS-enabled cluster',
    'vSphere may move the VM to another host at any time, even while it is copied. The copy continues, but may wait if the new host is at its own limit.',
  ),
  rule(
    'vmware.dpm.enabled',
    'Information',
    ({ cluster }) => cluster?.flagAt('dpmConfigInfo.enabled') === true,
    'vSphere DPM detected',
    'vSphere may power off idle hosts. No such feature is set up at the target.',
  ),
  rule(
    'vmware.fault_tolerance.enabled',
    'Information',
    (vm) => !['', 'notConfigured'].includes(vm.text('runtime.faultToleranceState') ?? ''),
    'Fault tolerance',
    'vSphere keeps a second VM in sync with this one. KubeVirt cannot do that. Turn it off first, because it prevents snapshots.',
  ),
];

const isAway = (state: string | undefined): boolean => state !== undefined && state !== 'connected';

/** By a rule of VMs and hosts in the cluster, which names groups of VMs. */
function isTiedToHosts({ raw, cluster }: Subject): boolean {
  const groups = new Set(
    (cluster?.list('rule') ?? [])
      .filter((each) => each.kind === 'ClusterVmHostRuleInfo' && each.flagAt('enabled') !== false)
      .flatMap((each) => each.textAt('vmGroupName') ?? []),
  );
  return (cluster?.list('group') ?? []).some(
    (group) =>
      groups.has(group.textAt('name') ?? '') && group.list('vm').some(({ text }) => text === raw.ref.id),
  );
}
