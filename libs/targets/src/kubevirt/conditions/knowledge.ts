import type { Condition } from '@ledgerlift/contracts';
import type { PlanAtTarget } from '../../plan.js';
import { type ApiResource, resources } from '../resources.js';
import { KubernetesForbidden, qualified } from '../errors.js';
import type { ClusterView, Gap } from '../inventory/cluster-inventory.js';
import type { MissingRight } from '../permissions/check.js';
import { resourceOf } from '../permissions/roles.js';
import { condition } from './condition-types.js';
import { disksToCopy, namespacesOf } from './facts.js';
import { kindsOfMachine } from './machines.js';
import { NO_PROVISIONER } from './storages.js';

/** Checks that the account has the rights that a migration needs. One condition names all missing rights. Pure. */
export function checkRights(
  { targetName }: PlanAtTarget,
  missing: readonly MissingRight[],
): readonly Condition[] {
  if (missing.length === 0) return [];
  const where = ({ need, namespace }: MissingRight): string =>
    `${qualified(resourceOf(need), need.kind.group)} ${namespace === undefined ? 'in the whole cluster' : `in '${namespace}'`}`;
  const lacks = [...Map.groupBy(missing, where)].map(
    ([what, rights]) => `${rights.map(({ need }) => need.verb).join(', ')} ${what}`,
  );
  const items = missing.map((right) => `${right.need.verb} ${where(right)}`);
  return [
    condition(
      'TargetRightsMissing',
      'Forbidden',
      `at '${targetName}' the account may not ${lacks.join('; ')}`,
      items,
    ),
  ];
}

/** Checks that the view knows every kind of object on which the plan depends. Pure. */
export function checkKnowledge(
  plan: PlanAtTarget,
  cluster: ClusterView,
  missing: readonly MissingRight[],
): readonly Condition[] {
  const needed = kindsNeeded(plan, cluster);
  const namespaces = namespacesOf(plan);
  const gaps = cluster.gaps.filter(
    ({ kind, namespace }) => needed.has(kind) && (namespace === undefined || namespaces.includes(namespace)),
  );
  return [
    ...notKnown(
      'NotInstalled',
      gaps.filter(({ knowledge }) => knowledge.state === 'not-installed'),
    ),
    ...notKnown(
      'NotRead',
      gaps.filter((gap) => isUnread(gap) && !isToldAsRight(gap, missing)),
    ),
    ...outdated(gaps),
  ];
}

function kindsNeeded(plan: PlanAtTarget, cluster: ClusterView): ReadonlySet<ApiResource> {
  const copied = disksToCopy(plan).map(({ destination }) => destination);
  const { namespaces, vms, claims, quotas, limitRanges, nodes } = resources;
  const needed = new Set<ApiResource>([namespaces, vms, claims, quotas, limitRanges, nodes]);
  if (plan.networks.some(({ destination }) => destination.type === 'multus')) needed.add(resources.networks);
  if (copied.length > 0 || plan.vms.some(({ vm }) => vm.tpm)) needed.add(resources.storageClasses);
  for (const vm of plan.vms) for (const kind of kindsOfMachine(vm)) needed.add(kind);
  const leavesModesOut = copied.some(
    (each) => each.accessMode === undefined || each.volumeMode === undefined,
  );
  // A cluster without CDI has no profiles; `checkStoragesOfCluster` then raises a condition on the pair.
  if (leavesModesOut && !isAbsent(cluster, resources.storageProfiles)) needed.add(resources.storageProfiles);
  const unprovisioned = cluster.storageClasses.filter(({ provisioner }) => provisioner === NO_PROVISIONER);
  if (copied.some(({ storageClass }) => unprovisioned.some(({ name }) => name === storageClass)))
    needed.add(resources.volumes);
  return needed;
}

const isAbsent = ({ gaps }: ClusterView, kind: ApiResource): boolean =>
  gaps.some((gap) => gap.kind === kind && gap.knowledge.state === 'not-installed');

const isUnread = ({ knowledge: { state } }: Gap): boolean => state === 'refused' || state === 'unknown';

/** Whether this gap follows from a missing right that `checkRights` already names. */
const isToldAsRight = ({ kind, namespace, knowledge }: Gap, missing: readonly MissingRight[]): boolean =>
  knowledge.state === 'refused' &&
  knowledge.error instanceof KubernetesForbidden &&
  missing.some(({ need, namespace: of }) => need.kind === kind && of === namespace);

function notKnown(reason: 'NotInstalled' | 'NotRead', gaps: readonly Gap[]): readonly Condition[] {
  if (gaps.length === 0) return [];
  const whats = [...new Set(gaps.map(({ what }) => what))];
  const why = reason === 'NotInstalled' ? 'the cluster does not have the kinds' : 'could not read';
  const causes = gaps.flatMap(({ knowledge }) =>
    knowledge.state === 'refused' ? [knowledge.error.message] : [],
  );
  const because = [...new Set(causes)].slice(0, 3).map((cause) => ` (${cause.replace(/\.$/, '')})`);
  return [condition('TargetNotKnown', reason, `${why} ${whats.join(', ')}${because.join('')}`, whats)];
}

function outdated(gaps: readonly Gap[]): readonly Condition[] {
  const stale = gaps.flatMap(({ what, knowledge }) =>
    knowledge.state === 'stale' ? [{ what, why: knowledge.why }] : [],
  );
  const [first] = stale;
  if (first === undefined) return [];
  const whats = [...new Set(stale.map(({ what }) => what))];
  const message = `${whats.join(', ')} may be outdated (${first.why.replace(/\.$/, '')})`;
  return [condition('TargetViewOutdated', 'Stale', message, whats)];
}
