import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import {
  privilegeUses,
  requiredPrivileges,
  roleFormats,
  type RoleKind,
  roleKinds,
  roleText,
  useWords,
  type VsphereKind,
} from './required.js';

const name = 'ledgerlift';
const at = 'vcenter';
const idsIn = (text: string): readonly string[] =>
  [...new Set(text.match(/\b[A-Z]\w+(\.\w+)+\b/g) ?? [])].toSorted();
const idsOf = (kind: keyof typeof roleKinds): readonly string[] =>
  [...new Set(requiredPrivileges(roleKinds[kind], 'vcenter').map(({ id }) => id))].toSorted();

describe('a role for vSphere', () => {
  it.each(roleFormats)('has exactly the privileges that are needed, for %s', (format) => {
    expect(idsIn(roleText({ name, kinds: ['warm'], format, at }))).toEqual(idsOf('warm'));
    expect(idsIn(roleText({ name, kinds: ['cold'], format, at }))).toEqual(idsOf('cold'));
  });

  it('lets nobody write to a disk, delete a VM, or give privileges away', () => {
    for (const id of requiredPrivileges(privilegeUses).map((each) => each.id))
      expect(id).not.toMatch(
        /Delete|DiskRandomAccess|FileRandomAccess|PutVmFiles|^Authorization|^Cryptographer/,
      );
  });

  it('takes no snapshots for what is cold, and exports nothing for what is warm', () => {
    expect(idsOf('cold')).not.toContain('VirtualMachine.State.CreateSnapshot');
    expect(idsOf('warm')).not.toContain('VApp.Export');
  });

  it('of a host without a vCenter reads files for every migration, and knows no tags', () => {
    const role = (kind: RoleKind, where: VsphereKind): readonly string[] =>
      idsIn(roleText({ name, kinds: [kind], format: 'govc', at: where }));
    const files = ['Datastore.Browse', 'Datastore.FileManagement'];
    for (const kind of ['cold', 'warm', 'conversion'] as const)
      expect(role(kind, 'esxi')).toEqual(expect.arrayContaining(files));
    expect(role('warm', 'vcenter')).not.toEqual(expect.arrayContaining(files));
    expect(role('retire', 'vcenter').join()).toContain('Tagging');
    expect(role('retire', 'esxi').join()).not.toContain('Tagging');
  });

  it('is a command of govc, one of PowerCLI, or JSON', () => {
    expect(roleText({ name, kinds: ['conversion'], format: 'govc', at })).toBe(
      "govc role.create 'ledgerlift' \\\n  System.Read \\\n  System.View \\\n  VirtualMachine.Interact.PowerOff \\\n  VirtualMachine.Interact.PowerOn",
    );
    expect(roleText({ name, kinds: ['conversion'], format: 'powercli', at })).toMatch(
      /^New-VIRole -Name 'ledgerlift' -Privilege \(Get-VIPrivilege -Id @\(\n {2}'System\.Read',\n/,
    );
    expect(JSON.parse(roleText({ name, kinds: ['retire'], format: 'json', at }))).toMatchObject({
      name,
      privileges: [
        { id: 'InventoryService.Tagging.AttachTag', for: ['tagging the source: to attach the tag'] },
        {},
        {},
        {},
        {},
        {},
        {},
        {},
        {},
      ],
    });
  });

  it('is documented, each privilege with what it is for', () => {
    const page = readFileSync(
      new URL('../../../../../docs/how-to/prepare-vsphere.md', import.meta.url),
      'utf8',
    );
    const documented = [...page.matchAll(/^\| `([A-Z][\w.]+)` +\| (\S.*?) +\| (\S.*?) +\|$/gm)].map(
      ([, id = '', use = '', to = '']) => ({ id, use, to }),
    );
    const required = requiredPrivileges(privilegeUses).map(({ id, use, to }) => ({
      id,
      use: useWords[use],
      to,
    }));
    expect(documented).toEqual(required);
  });
});
