import type { SourceRole } from '../../requirements.js';

/** Uses that need privileges. */
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
/** The kind of server: a vCenter, or an ESXi host without one. */
export type VsphereKind = 'vcenter' | 'esxi';
/** The objects that need it: every VM, every datastore, or the whole server. */
export type PrivilegeScope = 'vm' | 'datastore' | 'root';

export interface Privilege {
  /** vSphere's name, such as `VirtualMachine.State.CreateSnapshot`. */
  readonly id: string;
  readonly scope: PrivilegeScope;
  readonly use: PrivilegeUse;
  /** Its purpose, as text to follow `to`. */
  readonly to: string;
  /** Set if the other kind of server lacks it, or does not need it for this. */
  readonly onlyAt?: VsphereKind;
}

/**
 * Every privilege with its use (vSphere Web Services API reference; for VDDK the Virtual Disk Development Kit programming guide,
 * "Credentials and Privileges for VMDK Access"). None allows writing to a disk of the source.
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
    to: 'prove to an ESXi host that the vCenter session is valid',
  },
  {
    id: 'VirtualMachine.Provisioning.DiskRandomRead',
    scope: 'vm',
    use: 'vddk',
    to: 'read disks (read-only)',
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
    to: 'download them (vSphere has no read-only privilege for this)',
  },
  { id: 'VApp.Export', scope: 'vm', use: 'nfc', to: 'export a VM that is off' },
  {
    id: 'VirtualMachine.State.CreateSnapshot',
    scope: 'vm',
    use: 'warm',
    to: 'take the snapshots from which a running VM is read',
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
    to: 'create the category `ledgerlift` if it is missing',
    onlyAt: 'vcenter',
  },
  {
    id: 'InventoryService.Tagging.CreateTag',
    scope: 'root',
    use: 'tag',
    to: 'create the tag in it (`retireSource.tag`)',
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
    to: 'allow the tag on the VM',
    onlyAt: 'vcenter',
  },
];

/**
 * Lists the privileges that these uses need. One that several uses need appears once for each.
 * @param at undefined for both kinds of server
 */
export const requiredPrivileges = (uses: readonly PrivilegeUse[], at?: VsphereKind): readonly Privilege[] =>
  TABLE.filter(
    ({ use, onlyAt }) => uses.includes(use) && (at === undefined || onlyAt === undefined || onlyAt === at),
  );

/** Descriptions of the uses. */
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

/** The kinds of migration that a role can be made for, each with its uses. */
export const roleKinds = {
  cold: ['inventory', 'power', 'moment', 'vddk', 'https', 'nfc'],
  warm: ['inventory', 'power', 'moment', 'vddk', 'warm', 'tracking'],
  conversion: ['inventory', 'power', 'moment'],
  retire: ['inventory', 'retire', 'tag'],
} as const satisfies Record<string, readonly PrivilegeUse[]>;
export type RoleKind = keyof typeof roleKinds;
export const roleFormats = ['govc', 'powercli', 'json'] as const;
export type RoleFormat = (typeof roleFormats)[number];

export interface RoleRequest {
  readonly name: string;
  readonly kinds: readonly RoleKind[];
  readonly format: RoleFormat;
  /** The kind of server that will have the role. */
  readonly at: VsphereKind;
}

/** Renders a vSphere role with exactly the privileges that these kinds of migration need, in the format of the named tool. */
export function roleText({ name, kinds, format, at }: RoleRequest): string {
  const uses = [...new Set(kinds.flatMap((kind): readonly PrivilegeUse[] => roleKinds[kind]))];
  const required = requiredPrivileges(uses, at);
  const ids = [...new Set(required.map(({ id }) => id))].toSorted();
  if (format === 'json') {
    const privileges = ids.map((id) => ({
      id,
      for: required.filter((each) => each.id === id).map(({ use, to }) => `${useWords[use]}: to ${to}`),
    }));
    return JSON.stringify({ name, privileges }, undefined, 2);
  }
  if (format === 'govc') return [`govc role.create '${name}'`, ...ids].join(' \\\n  ');
  const list = ids.map((id) => `  '${id}'`).join(',\n');
  return `New-VIRole -Name '${name}' -Privilege (Get-VIPrivilege -Id @(\n${list}\n))`;
}

/** Implements the provider-independent role interface for vSphere. */
export const vsphereRole: SourceRole = {
  source: 'vSphere',
  kinds: Object.keys(roleKinds),
  usual: ['cold', 'warm'],
  formats: roleFormats,
  variant: { option: 'esxi', for: 'a single ESXi host without a vCenter, which asks for more' },
  text: ({ name, kinds, format, isVariant }) =>
    roleText({
      name,
      kinds: kinds.filter(isKind),
      format: roleFormats.find((each) => each === format) ?? 'govc',
      at: isVariant ? 'esxi' : 'vcenter',
    }),
};

const isKind = (kind: string): kind is RoleKind => Object.hasOwn(roleKinds, kind);
