import { type InventoryProblem, type KubeVirtSettings, LedgerliftError, listed } from '@ledgerlift/contracts';
import type { Looked, PlanAtTarget, TargetAt, TargetUse, TargetView } from '../plan.js';
import { claimNames } from '../name-templates.js';
import { namespacesOf } from './conditions/facts.js';
import { Claim } from './disks/claim.js';
import { type ClaimsThere, findBroughtClaims } from './disks/brought.js';
import { claimUsers } from './disks/holders.js';
import { KubernetesForbidden } from './errors.js';
import type { ClusterView } from './inventory/cluster-inventory.js';
import { type OpenInventory, OpenInventories } from './inventory/open-inventories.js';
import { listObjects } from './objects.js';
import { type MissingRight, missingRights } from './permissions/check.js';
import { resources } from './resources.js';

/** What was seen in a cluster for a plan. */
export interface KubeVirtView extends TargetView {
  readonly cluster: ClusterView;
  /** Rights that the plan's migrations need, and the account lacks. */
  readonly missing: readonly MissingRight[];
}

export interface LookOptions {
  readonly inventories: OpenInventories;
  /** How long the first look at a cluster waits for everything to be known. */
  readonly limitMs: number;
}

const inventories = new OpenInventories();
const LIMIT_MS = 20_000;

/** Ends the watching of all clusters that were looked at: for the end of a process. */
export const closeInventories = (): Promise<void> => inventories.close();

/**
 * Looks at what the cluster has, by an inventory that is kept open between looks, and asks for the account's rights. What hinders it is
 * told as a problem, or as a gap of the view; it throws nothing.
 *
 * @param options by default the inventories of this process, and 20 s
 */
export async function look(
  target: TargetAt<KubeVirtSettings>,
  plan: PlanAtTarget,
  use: TargetUse,
  options: LookOptions = { inventories, limitMs: LIMIT_MS },
): Promise<Looked<KubeVirtView>> {
  const opened = options.inventories.of(target);
  const { limitMs } = options;
  const { namespaces } = target.settings;
  const wanted = namespacesOf(plan).filter((namespace) => namespaces.includes(namespace));
  const [rights, brought] = await Promise.all([
    askForRights(opened, plan, wanted, limitMs),
    lookForBrought(opened, plan, wanted, use, limitMs),
    // What is not known by then is a gap of the view.
    opened.inventory.known(AbortSignal.timeout(limitMs)).catch(() => undefined),
  ]);
  const cluster = opened.inventory.view();
  const taken = new Map([...takenPlaces(plan, cluster), ...use.places]);
  const unreached = rights.problem ?? brought.problem ?? unknownProblem(plan, cluster, limitMs);
  const problems = unreached === undefined ? kubevirtProblems(plan, cluster) : [unreached];
  const view = { freeBytes: undefined, taken, brought: brought.found, cluster, missing: rights.missing };
  return { problems, view };
}

interface Rights {
  readonly missing: readonly MissingRight[];
  /** Why they could not be asked for: where these questions are not answered, which anybody may ask, no others are. */
  readonly problem?: InventoryProblem;
}

async function askForRights(
  { connection }: OpenInventory,
  { targetName }: PlanAtTarget,
  namespaces: readonly string[],
  limitMs: number,
): Promise<Rights> {
  const signal = AbortSignal.timeout(limitMs);
  try {
    return { missing: await missingRights(connection, namespaces, signal) };
  } catch (error) {
    const problem =
      error instanceof LedgerliftError
        ? { item: targetName, ...error.details() }
        : signal.aborted
          ? notInTime(targetName, 'which rights it gives', limitMs)
          : { item: targetName, code: 'NotReachable', message: String(error) };
    return { missing: [], problem };
  }
}

interface Brought {
  readonly found: KubeVirtView['brought'];
  /** Why the claims could not be looked at. */
  readonly problem?: InventoryProblem;
}

/** The claims that other tools filled, and who uses them now: listed anew each time, for what is adopted must be as it is seen. */
async function lookForBrought(
  { connection }: OpenInventory,
  { spec, vms, targetName }: PlanAtTarget,
  namespaces: readonly string[],
  use: TargetUse,
  limitMs: number,
): Promise<Brought> {
  if (spec.type !== 'conversion') return { found: new Map() };
  const signal = AbortSignal.timeout(limitMs);
  const look = async (namespace: string): Promise<readonly [string, ClaimsThere]> => {
    const [claims, users] = await Promise.all([
      listObjects(connection, resources.claims, { namespace }, Claim, signal),
      claimUsers(connection, namespace, signal),
    ]);
    return [namespace, { claims, users }];
  };
  try {
    const there = new Map(await Promise.all(namespaces.map(look)));
    const requests = vms.map(({ vm, targetNamespace, brought: where }) => ({
      vm,
      namespace: targetNamespace,
      where,
    }));
    return { found: findBroughtClaims(requests, there, use.disks) };
  } catch (error) {
    // A right that is missing stands against the plan by itself.
    if (error instanceof KubernetesForbidden) return { found: new Map() };
    const problem =
      error instanceof LedgerliftError
        ? { item: targetName, ...error.details() }
        : notInTime(targetName, 'its claims', limitMs);
    return { found: new Map(), problem };
  }
}

function unknownProblem(
  { targetName }: PlanAtTarget,
  { gaps }: ClusterView,
  limitMs: number,
): InventoryProblem | undefined {
  const unknown = gaps.filter(({ knowledge }) => knowledge.state === 'unknown').map(({ what }) => what);
  if (unknown.length === 0) return undefined;
  return notInTime(targetName, `its ${listed([...new Set(unknown)])}`, limitMs);
}

const notInTime = (targetName: string, what: string, limitMs: number): InventoryProblem => ({
  item: targetName,
  code: 'NotKnownInTime',
  message:
    `the cluster of '${targetName}' did not tell ${what} within ${limitMs / 1000} s. ` +
    'Check that its API server is reachable from here, and not overloaded.',
});

/** Without KubeVirt the cluster is no target at all. */
function kubevirtProblems(
  { targetName }: PlanAtTarget,
  { kubevirts, gaps }: ClusterView,
): readonly InventoryProblem[] {
  const gap = gaps.find(({ kind }) => kind === resources.kubevirts);
  // Rights that are missing stand against the plan by themselves.
  if (gap?.knowledge.state === 'refused') return [];
  const [first] = kubevirts;
  if (first === undefined)
    return [
      {
        item: targetName,
        code: 'KubeVirtNotInstalled',
        message: `the cluster of '${targetName}' has no KubeVirt. Install it, or choose another target.`,
      },
    ];
  if (kubevirts.some(({ phase }) => phase === 'Deployed')) return [];
  return [
    {
      item: `${first.namespace}/${first.name}`,
      code: 'KubeVirtNotDeployed',
      message: `KubeVirt of '${targetName}' is in the phase ${first.phase}, not Deployed. Look at its operator, virt-operator.`,
    },
  ];
}

/** Who has what the VMs would be called. Whether it is a VM's own, from an earlier try, is not looked at here. */
function takenPlaces({ spec, vms }: PlanAtTarget, cluster: ClusterView): ReadonlyMap<string, string> {
  const machines = new Set(cluster.vms.map(({ namespace, name }) => `${namespace}/${name}`));
  const claims = new Set(cluster.claims.map(({ namespace, name }) => `${namespace}/${name}`));
  return new Map(
    vms.flatMap((vm): (readonly [string, string])[] => {
      const place = `${vm.targetNamespace}/${vm.targetName}`;
      if (machines.has(place)) return [[place, 'there is a VM of that name']];
      // A plan for conversion only makes no claims.
      if (spec.type === 'conversion') return [];
      const names = claimNames(vm).filter((name) => claims.has(`${vm.targetNamespace}/${name}`));
      return names.length === 0 ? [] : [[place, `there is the claim ${listed(names)}`]];
    }),
  );
}
