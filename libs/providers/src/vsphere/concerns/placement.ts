import { type Rule, type Subject, rule } from './subject.js';

/** About where the VM runs, and who moves it. */
export const placementRules: readonly Rule[] = [
  rule(
    'vmware.host_affinity.detected',
    'Warning',
    isTiedToHosts,
    'VM-Host affinity detected',
    'A rule of the cluster ties the VM to some hosts. The target VM is placed by its cluster; give it node affinity there if it must be.',
  ),
  // Ours: what Forklift tells of a plan only.
  rule(
    'vmware.host.not_ready',
    'Warning',
    ({ place, raw }) =>
      place.host?.get('runtime.inMaintenanceMode')?.text === 'true' ||
      isAway(place.host?.get('runtime.connectionState')?.text) ||
      isAway(raw.properties.get('runtime.connectionState')?.text),
    'The host of the VM is in maintenance or not connected',
    'Disks are read through the host on which the VM is. See that it is connected and not in maintenance, or move the VM.',
  ),
  rule(
    'vmware.drs.enabled',
    'Information',
    ({ cluster }) => cluster?.flagAt('drsConfig.enabled') === true,
    'VM running in a DRS-enabled cluster',
    'vSphere may move the VM to another host at any time, while it is copied, too. The copy goes on; where each host has its own limits, it may wait.',
  ),
  rule(
    'vmware.dpm.enabled',
    'Information',
    ({ cluster }) => cluster?.flagAt('dpmConfigInfo.enabled') === true,
    'vSphere DPM detected',
    'vSphere may power hosts off that have little to do. Nothing like it is set up at the target.',
  ),
  rule(
    'vmware.fault_tolerance.enabled',
    'Information',
    (vm) => !['', 'notConfigured'].includes(vm.text('runtime.faultToleranceState') ?? ''),
    'Fault tolerance',
    'vSphere keeps a second VM in step with this one. KubeVirt does not do that; turn it off before, for a VM that has it cannot be snapshotted.',
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
