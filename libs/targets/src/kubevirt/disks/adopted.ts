import type { AdoptedDisks, SourceVm } from '@ledgerlift/contracts';
import type { AdoptedDisk, AdoptedProblem, AdoptedVm, DiskUser } from '../../plan.js';
import { labelValue } from '../../vm-model/index.js';
import type { Objection } from '../../workplace.js';
import { type AtCluster, describeOwner } from '../ownership.js';
import { type Claim, findClaim, recordedDisk } from './claims.js';
import { type ClaimUser, claimUsers } from './holders.js';

export interface AdoptedClaimsRequest {
  readonly vm: Pick<SourceVm, 'id' | 'name' | 'uuid' | 'disks'>;
  /** Namespace of the target VM and so of its claims. */
  readonly namespace: string;
  /** Absent: find claims labelled with the VM's id. */
  readonly where: AdoptedDisks | undefined;
}

/** The claims of a namespace and their users. */
export interface ClaimsThere {
  readonly claims: readonly Claim[];
  readonly users: readonly ClaimUser[];
}

/** Name of a disk, as in `AdoptedDisk` → its current user. */
export type DiskUsers = ReadonlyMap<string, DiskUser>;

/** Forklift's labels (docs of its plans of the type `conversion`), and our own label for the disk's id. */
const [VM_ID, VM_UUID, DISK_ID] = ['vmID', 'vmUUID', 'diskID'] as const;
const MIGRATION = 'ledgerlift.io/migration';

/** Returns the target's name for the disk in a claim. */
export const diskNameOf = (namespace: string, claim: string): string => `${namespace}/${claim}`;

/**
 * Finds the claims that other tools filled, and checks that each exists once, with a writable volume that is large enough, and
 * without another user. Pure.
 *
 * @param there claims by namespace
 * @returns id of the source VM → its disks
 */
export function findAdoptedClaims(
  requests: readonly AdoptedClaimsRequest[],
  there: ReadonlyMap<string, ClaimsThere>,
  usedBy: DiskUsers = new Map(),
): ReadonlyMap<string, AdoptedVm> {
  const found = new Map<string, AdoptedVm>();
  const takenHere = new Map<string, string>();
  for (const { vm, namespace, where } of requests) {
    const { claims, users } = there.get(namespace) ?? { claims: [], users: [] };
    const chosen = chooseClaims(vm, where, claims);
    const problems = [...chosen.problems];
    const disks: AdoptedDisk[] = [];
    for (const [index, claim] of chosen.claims.entries()) {
      const disk = vm.disks[index];
      if (disk === undefined || claim === undefined) continue;
      const name = diskNameOf(namespace, claim.metadata.name);
      const twice = takenHere.get(name);
      const problem =
        (twice === undefined ? undefined : inUse(claim, `it is also a disk of "${twice}"`)) ??
        userOf(claim, usedBy.get(name), where) ??
        problemOf(claim, disk.capacityBytes, users);
      if (problem === undefined) disks.push({ diskId: disk.id, name, format: 'raw' });
      else problems.push(problem);
      takenHere.set(name, vm.name);
    }
    found.set(vm.id, { disks, problems });
  }
  return found;
}

/**
 * Finds out why a claim that another tool filled cannot be used. Pure.
 *
 * @param capacityBytes size of the source's disk; the volume may be larger, because storage rounds sizes up
 */
export function problemOf(
  claim: Claim,
  capacityBytes: number,
  users: readonly ClaimUser[],
): AdoptedProblem | undefined {
  const { metadata, phase, accessModes, capacityBytes: has } = claim;
  const unusable = (why: string): AdoptedProblem => problem('NotUsable', claim, why);
  if (metadata.deletionTimestamp !== undefined) return unusable('it is being deleted');
  if (phase !== 'Bound') return unusable(`it has no volume (phase ${phase})`);
  if (accessModes.every((mode) => mode === 'ReadOnlyMany')) return unusable('it is read-only');
  if (metadata.labels[MIGRATION] !== undefined) return inUse(claim, describeOwner(claim));
  const owner = metadata.ownerReferences.find(({ kind }) => kind === 'VirtualMachine');
  if (owner !== undefined) return inUse(claim, `it is a disk of the VM "${owner.name}"`);
  const user = users.find(({ claims }) => claims.includes(metadata.name));
  if (user !== undefined) return inUse(claim, `${user.who} uses it`);
  return has < capacityBytes
    ? problem('OtherSize', claim, `it has ${has} bytes, but the source's disk has ${capacityBytes}`)
    : undefined;
}

const problem = (reason: AdoptedProblem['reason'], { metadata }: Claim, why: string): AdoptedProblem => ({
  reason,
  message: `the claim "${metadata.name}": ${why}`,
});
const inUse = (claim: Claim, why: string): AdoptedProblem => problem('InUse', claim, why);

/** Returns why a plan may not take a disk that is in use; undefined if it may. */
function userOf(
  claim: Claim,
  user: DiskUser | undefined,
  where: AdoptedDisks | undefined,
): AdoptedProblem | undefined {
  if (user === undefined) return undefined;
  if (user.givesUp === undefined) return inUse(claim, user.what);
  if (user.givesUp === where?.takenFrom) return undefined;
  const wayOut = `if its VM is no longer needed, set \`takenFrom: ${user.givesUp}\` beside the disks`;
  return inUse(claim, `${user.what}; ${wayOut}`);
}

interface Chosen {
  /** One for each disk, in the VM's order. */
  readonly claims: readonly (Claim | undefined)[];
  readonly problems: readonly AdoptedProblem[];
}

function chooseClaims(
  vm: AdoptedClaimsRequest['vm'],
  where: AdoptedDisks | undefined,
  claims: readonly Claim[],
): Chosen {
  if (where !== undefined && 'files' in where) return chooseByName(vm, where.files, claims);
  return chooseByLabels(vm, where?.labels, claims);
}

function chooseByName(
  vm: AdoptedClaimsRequest['vm'],
  names: readonly string[],
  claims: readonly Claim[],
): Chosen {
  if (names.length !== vm.disks.length) {
    const message = `the plan names ${names.length} claims, but the VM has ${vm.disks.length} disks`;
    const reason = names.length < vm.disks.length ? 'NotFound' : 'Ambiguous';
    return { claims: [], problems: [{ reason, message }] };
  }
  const problems: AdoptedProblem[] = [];
  const chosen = names.map((name) => {
    const claim = claims.find(({ metadata }) => metadata.name === name);
    if (claim === undefined)
      problems.push({ reason: 'NotFound', message: `there is no claim "${name}" in the VM's namespace` });
    return claim;
  });
  return { claims: chosen, problems };
}

function chooseByLabels(
  vm: AdoptedClaimsRequest['vm'],
  labels: Readonly<Record<string, string>> | undefined,
  claims: readonly Claim[],
): Chosen {
  const wanted = labels ?? { [VM_ID]: vm.id };
  const said = Object.entries(wanted)
    .map(([label, value]) => `${label}=${value}`)
    .join(', ');
  const its = claims.filter(
    (claim) => hasLabels(claim, wanted) || (labels === undefined && hasUuid(claim, vm.uuid)),
  );
  const problems: AdoptedProblem[] = [];
  const chosen = vm.disks.map(({ id }) => {
    const isOnly = vm.disks.length === 1;
    const those = its.filter(({ metadata }) => {
      const of = metadata.labels[DISK_ID];
      return of === undefined ? isOnly : isValue(of, id);
    });
    if (those.length === 1) return those[0];
    problems.push(whyNoneOf(those, its, id, said));
    return undefined;
  });
  return { claims: chosen, problems };
}

function whyNoneOf(
  those: readonly Claim[],
  all: readonly Claim[],
  diskId: string,
  said: string,
): AdoptedProblem {
  const some = those.map(({ metadata }) => metadata.name).join(', ');
  if (those.length > 1)
    return {
      reason: 'Ambiguous',
      message: `several claims match the disk "${diskId}": ${some} are all labelled ${said}`,
    };
  if (all.length > 0)
    return {
      reason: 'Ambiguous',
      message: `${all.length} claims are labelled ${said}, but none has \`${DISK_ID}\` set to "${diskId}"`,
    };
  return { reason: 'NotFound', message: `no claim is labelled ${said}, for the disk "${diskId}"` };
}

const hasLabels = ({ metadata }: Claim, wanted: Readonly<Record<string, string>>): boolean =>
  Object.entries(wanted).every(([label, value]) => isValue(metadata.labels[label], value));

const hasUuid = ({ metadata }: Claim, uuid: string | undefined): boolean =>
  uuid !== undefined && metadata.labels[VM_ID] === undefined && metadata.labels[VM_UUID] === uuid;

/** Compares a label with an id. Ids that are not valid label values are written as similar valid values. */
const isValue = (label: string | undefined, value: string): boolean =>
  label !== undefined && (label === value || label === labelValue(value));

/**
 * Checks a claim that another tool brought once more before it is converted. Read-only.
 *
 * @param size of the disk, in bytes
 * @returns why it cannot be used; undefined if it can
 */
export async function objectionToClaim(
  at: AtCluster,
  diskId: string,
  size: number,
): Promise<Objection | undefined> {
  const { pvcName } = recordedDisk(at.record, diskId);
  const claim = await findClaim(at, pvcName);
  if (claim === undefined) return { why: `there is no claim "${pvcName}" in the VM's namespace` };
  const problem = problemOf(
    claim,
    size,
    await claimUsers(at.connection, at.record.targetNamespace, at.guard.signal),
  );
  return problem === undefined ? undefined : { why: problem.message };
}
