import type { BroughtDisks, SourceVm } from '@ledgerlift/contracts';
import type { BroughtDisk, BroughtProblem, BroughtVm, DiskUser } from '../../plan.js';
import { labelValue } from '../../vm-model/index.js';
import { describeOwner } from '../ownership.js';
import type { Claim } from './claim.js';
import type { ClaimUser } from './holders.js';

export interface BroughtClaimsRequest {
  readonly vm: Pick<SourceVm, 'id' | 'name' | 'uuid' | 'disks'>;
  /** Of the VM at the target, and so of its claims. */
  readonly namespace: string;
  /** None: what is labelled with the VM's id. */
  readonly where: BroughtDisks | undefined;
}

/** What is in a namespace. */
export interface ClaimsThere {
  readonly claims: readonly Claim[];
  readonly users: readonly ClaimUser[];
}

/** Who uses a disk already, by its name as `BroughtDisk` has it. */
export type DiskUsers = ReadonlyMap<string, DiskUser>;

/** The labels that Forklift asks for (docs of its plans of the type `conversion`), and ours for which of the disks it is. */
const [VM_ID, VM_UUID, DISK_ID] = ['vmID', 'vmUUID', 'diskID'] as const;
const MIGRATION = 'ledgerlift.io/migration';

/** As the target calls the disk in a claim. */
export const diskNameOf = (namespace: string, claim: string): string => `${namespace}/${claim}`;

/**
 * Finds the claims that other tools filled, among those that are there, and looks at each: that it is there once, with a volume that is
 * large enough and can be written, and is nobody else's. Pure.
 *
 * @param there by namespace
 * @returns what was found, by id of the source VM
 */
export function findBroughtClaims(
  requests: readonly BroughtClaimsRequest[],
  there: ReadonlyMap<string, ClaimsThere>,
  usedBy: DiskUsers = new Map(),
): ReadonlyMap<string, BroughtVm> {
  const found = new Map<string, BroughtVm>();
  const takenHere = new Map<string, string>();
  for (const { vm, namespace, where } of requests) {
    const { claims, users } = there.get(namespace) ?? { claims: [], users: [] };
    const chosen = chooseClaims(vm, where, claims);
    const problems = [...chosen.problems];
    const disks: BroughtDisk[] = [];
    for (const [index, claim] of chosen.claims.entries()) {
      const disk = vm.disks[index];
      if (disk === undefined || claim === undefined) continue;
      const name = diskNameOf(namespace, claim.metadata.name);
      const twice = takenHere.get(name);
      const problem =
        (twice === undefined ? undefined : inUse(claim, `it is a disk of "${twice}", too`)) ??
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
 * What speaks against a claim that another tool filled. Pure.
 *
 * @param capacityBytes of the disk at the source: a volume may be larger, for storage rounds sizes up
 */
export function problemOf(
  claim: Claim,
  capacityBytes: number,
  users: readonly ClaimUser[],
): BroughtProblem | undefined {
  const { metadata, phase, accessModes, capacityBytes: has } = claim;
  const unusable = (why: string): BroughtProblem => problem('NotUsable', claim, why);
  if (metadata.deletionTimestamp !== undefined) return unusable('it is being deleted');
  if (phase !== 'Bound') return unusable(`it has no volume (phase ${phase})`);
  if (accessModes.every((mode) => mode === 'ReadOnlyMany')) return unusable('it can only be read');
  if (metadata.labels[MIGRATION] !== undefined) return inUse(claim, describeOwner(claim));
  const owner = metadata.ownerReferences.find(({ kind }) => kind === 'VirtualMachine');
  if (owner !== undefined) return inUse(claim, `it is a disk of the VM "${owner.name}"`);
  const user = users.find(({ claims }) => claims.includes(metadata.name));
  if (user !== undefined) return inUse(claim, `${user.who} uses it`);
  return has < capacityBytes
    ? problem('OtherSize', claim, `it has ${has} bytes, and the disk has ${capacityBytes} at the source`)
    : undefined;
}

const problem = (reason: BroughtProblem['reason'], { metadata }: Claim, why: string): BroughtProblem => ({
  reason,
  message: `the claim "${metadata.name}": ${why}`,
});
const inUse = (claim: Claim, why: string): BroughtProblem => problem('InUse', claim, why);

/** Why a plan may not have a disk that another migration has; undefined where it may. */
function userOf(
  claim: Claim,
  user: DiskUser | undefined,
  where: BroughtDisks | undefined,
): BroughtProblem | undefined {
  if (user === undefined) return undefined;
  if (user.givesUp === undefined) return inUse(claim, user.what);
  if (user.givesUp === where?.takenFrom) return undefined;
  const wayOut = `where its VM is not wanted any more, say \`takenFrom: ${user.givesUp}\` beside the disks`;
  return inUse(claim, `${user.what}; ${wayOut}`);
}

interface Chosen {
  /** In the order of the VM's disks. */
  readonly claims: readonly (Claim | undefined)[];
  readonly problems: readonly BroughtProblem[];
}

function chooseClaims(
  vm: BroughtClaimsRequest['vm'],
  where: BroughtDisks | undefined,
  claims: readonly Claim[],
): Chosen {
  if (where !== undefined && 'files' in where) return chooseByName(vm, where.files, claims);
  return chooseByLabels(vm, where?.labels, claims);
}

function chooseByName(
  vm: BroughtClaimsRequest['vm'],
  names: readonly string[],
  claims: readonly Claim[],
): Chosen {
  if (names.length !== vm.disks.length) {
    const message = `the plan names ${names.length} claims, and the VM has ${vm.disks.length} disks`;
    const reason = names.length < vm.disks.length ? 'NotFound' : 'Ambiguous';
    return { claims: [], problems: [{ reason, message }] };
  }
  const problems: BroughtProblem[] = [];
  const chosen = names.map((name) => {
    const claim = claims.find(({ metadata }) => metadata.name === name);
    if (claim === undefined)
      problems.push({ reason: 'NotFound', message: `there is no claim "${name}" in the VM's namespace` });
    return claim;
  });
  return { claims: chosen, problems };
}

function chooseByLabels(
  vm: BroughtClaimsRequest['vm'],
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
  const problems: BroughtProblem[] = [];
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
): BroughtProblem {
  const some = those.map(({ metadata }) => metadata.name).join(', ');
  if (those.length > 1)
    return { reason: 'Ambiguous', message: `the disk "${diskId}" is each of ${some}, all labelled ${said}` };
  if (all.length > 0)
    return {
      reason: 'Ambiguous',
      message: `${all.length} claims are labelled ${said}, and none says by \`${DISK_ID}\` that it is the disk "${diskId}"`,
    };
  return { reason: 'NotFound', message: `no claim is labelled ${said}, for the disk "${diskId}"` };
}

const hasLabels = ({ metadata }: Claim, wanted: Readonly<Record<string, string>>): boolean =>
  Object.entries(wanted).every(([label, value]) => isValue(metadata.labels[label], value));

const hasUuid = ({ metadata }: Claim, uuid: string | undefined): boolean =>
  uuid !== undefined && metadata.labels[VM_ID] === undefined && metadata.labels[VM_UUID] === uuid;

/** Ids that Kubernetes does not take for a label's value are written as near to it as it does. */
const isValue = (label: string | undefined, value: string): boolean =>
  label !== undefined && (label === value || label === labelValue(value));
