import { type InventoryProblem, type KubeVirtSettings, LedgerliftError, listed } from '@ledgerlift/contracts';
import type { Looked, PlanAtTarget, TargetAt, TargetUse, TargetView } from '../plan.js';
import { claimNames } from '../names.js';
import { namespacesOf } from './conditions/facts.js';
import { Claim } from './disks/claims.js';
import { type ClaimsThere, findAdoptedClaims } from './disks/adopted.js';
import { claimUsers } from './disks/holders.js';
import { KubernetesForbidden } from './errors.js';
import { type ClusterView, OpenInventories, type OpenInventory } from './inventory/cluster-inventory.js';
import { listObjects } from './objects.js';
import { type MissingRight, missingRights } from './permissions/check.js';
import { resources } from './resources.js';

/** The state of a cluster as seen for a plan. */
export interface KubeVirtView extends TargetView {
  readonly cluster: ClusterView;
  /** Rights that the plan's migrations need but the account lacks. */
  readonly missing: readonly MissingRight[];
}

export interface LookOptions {
  readonly inventories: OpenInventories;
  /** How long the first look at a cluster waits for its inventory. */
  readonly limitMs: number;
}

const inventories = new OpenInventories();
const LIMIT_MS = 20_000;

/** Stops watching all clusters. Call it when the process ends. */
export const closeInventories = (): Promise<void> => inventories.close();

/**
 * Reads the cluster's objects from an inventory that stays open between looks, and asks for the account's rights. Reports failures as
 * problems, or as gaps in the view; never throws.
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
  const [rights, adopted] = await Promise.all([
    askForRights(opened, plan, wanted, limitMs),
    lookForAdopted(opened, plan, wanted, use, limitMs),
    // Anything still unknown then becomes a gap in the view.
    opened.inventory.known(AbortSignal.timeout(limitMs)).catch(() => undefined),
  ]);
  const cluster = opened.inventory.view();
  const taken = new Map([...takenPlaces(plan, cluster), ...use.places]);
  const unreached = rights.problem ?? adopted.problem ?? unknownProblem(plan, cluster, limitMs);
  const problems = unreached === undefined ? kubevirtProblems(plan, cluster) : [unreached];
  const view = { freeBytes: undefined, taken, adopted: adopted.found, cluster, missing: rights.missing };
  return { problems, view };
}

interface Rights {
  readonly missing: readonly MissingRight[];
  /** Why they could not be read. Every account may ask this, so if it fails, no other request would succeed. */
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
          ? notInTime(targetName, 'the rights of the account', limitMs)
          : { item: targetName, code: 'NotReachable', message: String(error) };
    return { missing: [], problem };
  }
}

interface Brought {
  readonly found: KubeVirtView['adopted'];
  /** Why the claims could not be read. */
  readonly problem?: InventoryProblem;
}

/** Finds claims that other tools filled, and their users. Lists them again each time, because a plan may adopt only what exists now. */
async function lookForAdopted(
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
    const requests = vms.map(({ vm, targetNamespace, adopted: where }) => ({
      vm,
      namespace: targetNamespace,
      where,
    }));
    return { found: findAdoptedClaims(requests, there, use.disks) };
  } catch (error) {
    // `checkRights` already reports a missing right.
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
    `the cluster of '${targetName}' did not report ${what} within ${limitMs / 1000} s. ` +
    'Check that its API server is reachable from here and not overloaded.',
});

/** Without KubeVirt, the cluster cannot be a target. */
function kubevirtProblems(
  { targetName }: PlanAtTarget,
  { kubevirts, gaps }: ClusterView,
): readonly InventoryProblem[] {
  const gap = gaps.find(({ kind }) => kind === resources.kubevirts);
  // `checkRights` already reports missing rights.
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

/** Finds existing objects with the names of the plan's VMs, including those of an earlier run. */
function takenPlaces({ spec, vms }: PlanAtTarget, cluster: ClusterView): ReadonlyMap<string, string> {
  const machines = new Set(cluster.vms.map(({ namespace, name }) => `${namespace}/${name}`));
  const claims = new Set(cluster.claims.map(({ namespace, name }) => `${namespace}/${name}`));
  return new Map(
    vms.flatMap((vm): (readonly [string, string])[] => {
      const place = `${vm.targetNamespace}/${vm.targetName}`;
      if (machines.has(place)) return [[place, 'a VM has that name']];
      // A conversion-only plan creates no claims.
      if (spec.type === 'conversion') return [];
      const names = claimNames(vm).filter((name) => claims.has(`${vm.targetNamespace}/${name}`));
      return names.length === 0 ? [] : [[place, `the claim ${listed(names)} exists`]];
    }),
  );
}
