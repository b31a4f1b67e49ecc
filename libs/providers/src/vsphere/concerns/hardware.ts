import { rule } from './subject.js';

/** About processors, memory and devices. */
export const hardwareRules = [
  rule(
    'vmware.passthrough_device.detected',
    'Critical',
    (vm) => vm.has(/^VirtualPCIPassthrough$/),
    'Passthrough device detected',
    'A PCI device of the host is passed through to the VM, which can neither be moved nor be snapshotted with it. Remove the device from the VM; give the target VM one of its cluster if it needs it.',
  ),
  rule(
    'vmware.cpu_affinity.detected',
    'Warning',
    ({ vm }) => vm.cpu.affinity.length > 0,
    'CPU affinity detected',
    'The VM is pinned to CPUs of its host. The target VM is not; ask for dedicated CPUs there if it needs them.',
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
    'CPUs or memory can be added to the running source. The target VM is made with what the source has, without hotplug.',
  ),
  rule(
    'vmware.device.sriov.detected',
    'Warning',
    (vm) => vm.has(/^VirtualSriovEthernetCard$/),
    'SR-IOV passthrough adapter configuration detected',
    'A network adapter is a virtual function of a card of the host. The target VM gets one only where its network is mapped to one that offers SR-IOV.',
  ),
  rule(
    'vmware.tpm.detected',
    'Warning',
    ({ vm }) => vm.tpm,
    'TPM detected',
    'What the TPM holds stays behind: the target VM gets an empty one. Keys that are sealed in it, such as those of BitLocker, have to be at hand otherwise.',
  ),
  rule(
    'vmware.usb_controller.detected',
    'Warning',
    (vm) => vm.has(/^VirtualUSB(XHCI)?Controller$/),
    'USB controller detected',
    'USB devices that are attached to the VM are not moved; a keyboard and a tablet are given to the target VM anyway.',
  ),
];
