import type { SourceRole } from '../../role.js';
import { type PrivilegeUse, type VsphereKind, requiredPrivileges, useWords } from './required.js';

/** What a role may be made for: kinds of migration, each with what it includes. */
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
  /** Whose role it is to be. */
  readonly at: VsphereKind;
}

/** A role of vSphere with exactly the privileges that these kinds of migration need, as the tool named takes it. */
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

/** The same, for whoever knows no more of vSphere than that it has roles. */
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
