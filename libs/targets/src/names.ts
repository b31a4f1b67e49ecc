import { createHash } from 'node:crypto';
import type { MachineSettings, VmRecord } from '@ledgerlift/contracts';

/** Longest RFC 1123 label, which is the limit of most Kubernetes names. */
const LABEL_LENGTH = 63;

/**
 * Turns a name into an RFC 1123 label of at most 63 characters, as Kubernetes requires. Deterministic; keeps names that
 * already are labels. A name without any usable character becomes `vm-` and a digest.
 */
export function dns1123Label(name: string): string {
  const label = name
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, (run) => (/^-+$/.test(run) ? run : '-'))
    .replace(/^-+|-+$/g, '');
  if (label === '') return `vm-${shortDigest(name)}`;
  return label.length <= LABEL_LENGTH ? label : shortened(label, LABEL_LENGTH);
}

/** Returns `{base}-{suffix}` as a label. If too long, cuts the base and adds a digest to keep the label unique. */
export const suffixedLabel = (base: string, suffix: string): string => labelEndingIn(base, `-${suffix}`);

/** Like `suffixedLabel`, without a hyphen in between. */
export function labelEndingIn(base: string, end: string): string {
  const room = LABEL_LENGTH - end.length;
  return `${base.length <= room ? base : shortened(base, room)}${end}`;
}

function shortened(label: string, length: number): string {
  const digest = shortDigest(label);
  return `${label.slice(0, length - digest.length - 1).replace(/-+$/, '')}-${digest}`;
}

const shortDigest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);

/** A value for each placeholder. Texts become labels, numbers stay as they are. */
type Values = Readonly<Record<string, string | number>>;

/** The facts from which claim names are made. */
export interface ClaimsOf {
  readonly planName: string;
  readonly targetName: string;
  /** The source VM. */
  readonly vm: { readonly id: string; readonly name: string };
  readonly machine: Pick<MachineSettings, 'pvcNameTemplate'>;
}

/** Names the claims of a VM by its plan's template. Pure. */
export const claimNames = (
  of: ClaimsOf & { readonly vm: { readonly disks: readonly unknown[] } },
): readonly string[] => of.vm.disks.map((_, index) => claimName(of, index));

/** Names the claim of one disk. `index` counts from 0. */
export const claimName = ({ planName, targetName, vm, machine }: ClaimsOf, index: number): string =>
  nameFrom(machine.pvcNameTemplate ?? '{target}-disk-{disk}', {
    ...{ vm: vm.name, target: targetName, plan: planName, id: vm.id },
    disk: index,
  });

/** Names a disk of the VM and its volume. */
export const volumeName = (template: string | undefined, claim: string, disk: number): string =>
  nameFrom(template ?? 'disk-{disk}', { claim, disk });

/** Names a NIC of the VM and its network within the VM. */
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
 * Fills in a template as a label. If too long, shortens the part up to the last inserted text and adds a digest; numbers after
 * that stay whole, so that names that differ only in a number stay distinct.
 *
 * @param template valid by its schema
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

/** The unique name prefix of all snapshots of one VM's migration, by which a sweep finds them. */
export function snapshotPrefix({ installation, migrationId, index }: VmRecord): string {
  const run = createHash('sha256').update(`${installation}\n${migrationId}`).digest('hex').slice(0, 16);
  return `ledgerlift-${run}-${index}-`;
}

/** @param round the round that reads the snapshot; `{round}` in an itinerary, where it is still open */
export const snapshotName = (record: VmRecord, round: number | '{round}'): string =>
  `${snapshotPrefix(record)}${round}`;
