/** What a privilege is needed for. */
export const privilegeUses = [
  'inventory',
  'power',
  'moment',
  'vddk',
  'https',
  'nfc',
  'warm',
  'tracking',
  'retire',
  'tag',
] as const;
export type PrivilegeUse = (typeof privilegeUses)[number];
/** What a server is: a vCenter, or an ESXi host without one. */
export type VsphereKind = 'vcenter' | 'esxi';
/** On what it is asked for: every VM, every datastore, or the whole server. */
export type PrivilegeScope = 'vm' | 'datastore' | 'root';

export interface Privilege {
  /** As vSphere names it, such as `VirtualMachine.State.CreateSnapshot`. */
  readonly id: string;
  readonly scope: PrivilegeScope;
  readonly use: PrivilegeUse;
  /** In words that follow `to`. */
  readonly to: string;
  /** Left out of what is asked of the other: it has no such thing, or does not need it for this. */
  readonly onlyAt?: VsphereKind;
}

/**
 * Each with the calls that ask for it (vSphere Web Services API reference; of VDDK the Virtual Disk Development Kit
 * programming guide, "Credentials and Privileges for VMDK Access"). Nothing that writes to a disk of the source is here.
 */
const TABLE: readonly Privilege[] = [
  { id: 'System.Read', scope: 'root', use: 'inventory', to: 'read what the server has' },
  {
    id: 'System.View',
    scope: 'root',
    use: 'inventory',
    to: 'see the folders, hosts and networks around VMs',
  },
  {
    id: 'VirtualMachine.Interact.PowerOff',
    scope: 'vm',
    use: 'power',
    to: 'shut the guest down, or power the VM off',
  },
  {
    id: 'VirtualMachine.Interact.PowerOn',
    scope: 'vm',
    use: 'power',
    to: 'power the VM on again when its migration fails, or is rolled back',
  },
  {
    id: 'Datastore.Browse',
    scope: 'datastore',
    use: 'moment',
    to: 'find the descriptors of disks, which change with every run',
    onlyAt: 'esxi',
  },
  {
    id: 'Datastore.FileManagement',
    scope: 'datastore',
    use: 'moment',
    to: 'download them',
    onlyAt: 'esxi',
  },
  {
    id: 'Sessions.ValidateSession',
    scope: 'root',
    use: 'vddk',
    to: 'let an ESXi host see that the session with its vCenter is real',
  },
  {
    id: 'VirtualMachine.Provisioning.DiskRandomRead',
    scope: 'vm',
    use: 'vddk',
    to: 'read disks, and nothing but read',
  },
  {
    id: 'VirtualMachine.Provisioning.GetVmFiles',
    scope: 'vm',
    use: 'vddk',
    to: 'open the files that disks consist of',
  },
  { id: 'Datastore.Browse', scope: 'datastore', use: 'https', to: 'find the files of a VM that is off' },
  {
    id: 'Datastore.FileManagement',
    scope: 'datastore',
    use: 'https',
    to: 'download them, for which vSphere has no privilege that only reads',
  },
  { id: 'VApp.Export', scope: 'vm', use: 'nfc', to: 'export a VM that is off' },
  {
    id: 'VirtualMachine.State.CreateSnapshot',
    scope: 'vm',
    use: 'warm',
    to: 'take the snapshots from which a VM is read while it runs',
  },
  {
    id: 'VirtualMachine.State.RemoveSnapshot',
    scope: 'vm',
    use: 'warm',
    to: 'remove them, and consolidate disks',
  },
  {
    id: 'VirtualMachine.Provisioning.DiskRandomRead',
    scope: 'vm',
    use: 'warm',
    to: 'ask what has changed on a disk',
  },
  {
    id: 'VirtualMachine.Config.ChangeTracking',
    scope: 'vm',
    use: 'tracking',
    to: 'turn changed block tracking on (`warm.enableChangeTracking`)',
  },
  {
    id: 'VirtualMachine.Config.EditDevice',
    scope: 'vm',
    use: 'retire',
    to: 'disconnect network adapters (`retireSource.disconnectNics`)',
  },
  {
    id: 'VirtualMachine.Interact.DeviceConnection',
    scope: 'vm',
    use: 'retire',
    to: 'disconnect network adapters (`retireSource.disconnectNics`)',
  },
  {
    id: 'VirtualMachine.Config.Rename',
    scope: 'vm',
    use: 'retire',
    to: 'rename the VM (`retireSource.renameSuffix`)',
  },
  {
    id: 'InventoryService.Tagging.CreateCategory',
    scope: 'root',
    use: 'tag',
    to: 'make the category `ledgerlift` where it is missing',
    onlyAt: 'vcenter',
  },
  {
    id: 'InventoryService.Tagging.CreateTag',
    scope: 'root',
    use: 'tag',
    to: 'make the tag in it (`retireSource.tag`)',
    onlyAt: 'vcenter',
  },
  {
    id: 'InventoryService.Tagging.AttachTag',
    scope: 'root',
    use: 'tag',
    to: 'attach the tag',
    onlyAt: 'vcenter',
  },
  {
    id: 'InventoryService.Tagging.ObjectAttachable',
    scope: 'vm',
    use: 'tag',
    to: 'have it attached to the VM',
    onlyAt: 'vcenter',
  },
];

/**
 * Each privilege that one of these uses needs; one that several need comes once for each.
 * @param at none: of both kinds of server
 */
export const requiredPrivileges = (uses: readonly PrivilegeUse[], at?: VsphereKind): readonly Privilege[] =>
  TABLE.filter(
    ({ use, onlyAt }) => uses.includes(use) && (at === undefined || onlyAt === undefined || onlyAt === at),
  );

/** What a use is, in words. */
export const useWords: Readonly<Record<PrivilegeUse, string>> = {
  inventory: 'the inventory',
  power: 'powering VMs off and on',
  moment: 'seeing whether a VM has run, on a host without a vCenter',
  vddk: 'reading disks by VDDK',
  https: 'reading disks over HTTPS, without VDDK',
  nfc: 'exporting VMs, without VDDK',
  warm: 'warm migrations',
  tracking: 'turning changed block tracking on',
  retire: 'retiring the source',
  tag: 'tagging the source',
};
