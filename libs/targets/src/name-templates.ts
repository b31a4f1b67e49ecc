import type { MachineSettings } from '@ledgerlift/contracts';
import { dns1123Label, labelEndingIn } from './names.js';

/** What stands for each placeholder: texts are made labels, numbers stay as they are. */
type Values = Readonly<Record<string, string | number>>;

/** Whose claims are named. */
export interface ClaimsOf {
  readonly planName: string;
  readonly targetName: string;
  /** At the source. */
  readonly vm: { readonly id: string; readonly name: string };
  readonly machine: Pick<MachineSettings, 'pvcNameTemplate'>;
}

/** Names of the claims of a VM, by the template that its plan has. Pure. */
export const claimNames = (
  of: ClaimsOf & { readonly vm: { readonly disks: readonly unknown[] } },
): readonly string[] => of.vm.disks.map((_, index) => claimName(of, index));

/** Name of the claim of the disk number `index`, counted from 0. */
export const claimName = ({ planName, targetName, vm, machine }: ClaimsOf, index: number): string =>
  nameFrom(machine.pvcNameTemplate ?? '{target}-disk-{disk}', {
    ...{ vm: vm.name, target: targetName, plan: planName, id: vm.id },
    disk: index,
  });

/** Name of the VM's disk, and of its volume. */
export const volumeName = (template: string | undefined, claim: string, disk: number): string =>
  nameFrom(template ?? 'disk-{disk}', { claim, disk });

/** Name of the VM's NIC, and of its network within the VM. */
export const networkName = (
  template: string | undefined,
  network: { readonly type: string; readonly name?: string; readonly namespace?: string | undefined },
  nic: number,
): string =>
  nameFrom(template ?? 'net-{nic}', {
    network: network.name ?? network.type,
    namespace: network.namespace ?? 'default',
    type: network.type,
    nic,
  });

/**
 * A label of the template's form. Where it gets too long, all up to and with the last text that was put in is cut, and gets a digest:
 * what counts stays whole, so that two names that differ in it alone stay apart.
 *
 * @param template as its schema takes it
 */
function nameFrom(template: string, values: Values): string {
  const filled = template.split(/(\{[a-z]+\})/).map((part) => {
    const value = part.startsWith('{') ? values[part.slice(1, -1)] : undefined;
    return typeof value === 'string'
      ? { text: dns1123Label(value), isName: true }
      : { text: String(value ?? part), isName: false };
  });
  const end = filled.findLastIndex(({ isName }) => isName) + 1;
  const text = (parts: typeof filled): string => parts.map((part) => part.text).join('');
  return labelEndingIn(text(filled.slice(0, end)), text(filled.slice(end)));
}
