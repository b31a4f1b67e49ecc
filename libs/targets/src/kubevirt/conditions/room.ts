import { type Condition, type KubeVirtSettings, listed } from '@ledgerlift/contracts';
import type { PlanAtTarget } from '../../plan.js';
import type { ClusterView } from '../inventory/cluster-inventory.js';
import type { Quota } from '../inventory/kinds.js';
import { quantity } from '../inventory/storage-facts.js';
import { condition } from './condition-types.js';
import { type ClaimToMake, claimsToMake, namespacesOf } from './facts.js';
import { podRequests, type WorkerNeeds, workerNeeds } from './worker-pods.js';

/** Checks that the plan's VMs together fit the quotas, and that each claim and worker pod fits the limit ranges. Pure. */
export function checkRoom(
  settings: KubeVirtSettings,
  plan: PlanAtTarget,
  cluster: ClusterView,
): readonly Condition[] {
  const claims = claimsToMake(plan, cluster);
  return namespacesOf(plan).flatMap((namespace) => {
    const own = claims.filter(({ vm }) => vm.targetNamespace === namespace);
    const workers = workerNeeds(namespace, settings, plan, cluster);
    return [
      ...checkQuotas(namespace, needsOf(namespace, plan, cluster, own, workers), cluster),
      ...checkLimits(namespace, own, cluster),
      ...checkWorkerLimits(namespace, workers, cluster),
    ];
  });
}

/** Needed amounts, by the resource names that quotas use. */
interface Needs {
  readonly ofPods: ReadonlyMap<string, number>;
  readonly ofObjects: ReadonlyMap<string, number>;
}

/** https://kubernetes.io/docs/concepts/policy/resource-quotas/#types-of-resource-quota */
function needsOf(
  namespace: string,
  { vms }: PlanAtTarget,
  cluster: ClusterView,
  claims: readonly ClaimToMake[],
  { pods: workers, each }: WorkerNeeds,
): Needs {
  const coming = vms.filter((each) => each.targetNamespace === namespace);
  const existing = new Set(
    cluster.vms.filter((each) => each.namespace === namespace).map(({ name }) => name),
  );
  const isNew = coming.filter(({ targetName, isRetried }) => !(isRetried && existing.has(targetName)));
  const starting = isNew.filter(({ startsAtTarget }) => startsAtTarget);
  const pods = starting.map((each) => podRequests(each, cluster));
  const cores = sum(pods.map((pod) => pod.cores));
  const memory = sum(pods.map((pod) => pod.memoryBytes));
  const storage = (of: readonly ClaimToMake[]): number => sum(of.map(({ bytes }) => bytes));
  // A VM starts only after its worker pod is gone, so the two never run together.
  const most = (ofVms: number, ofWorker: number): number => Math.max(ofVms, workers * ofWorker);
  return {
    ofPods: new Map([
      ['pods', most(pods.length, 1)],
      ['cpu', most(cores, each.requests.cpu)],
      ['requests.cpu', most(cores, each.requests.cpu)],
      ['limits.cpu', workers * each.limits.cpu],
      ['memory', most(memory, each.requests.memory)],
      ['requests.memory', most(memory, each.requests.memory)],
      ['limits.memory', workers * each.limits.memory],
    ]),
    ofObjects: new Map([
      ['count/virtualmachines.kubevirt.io', isNew.length],
      ['count/pods', most(pods.length, 1)],
      ['secrets', workers],
      ['count/secrets', workers],
      ['requests.storage', storage(claims)],
      ['persistentvolumeclaims', claims.length],
      ['count/persistentvolumeclaims', claims.length],
      ...[...Map.groupBy(claims, ({ storageClass }) => storageClass)].flatMap(([storageClass, of]) => [
        [`${storageClass}.storageclass.storage.k8s.io/requests.storage`, storage(of)] as const,
        [`${storageClass}.storageclass.storage.k8s.io/persistentvolumeclaims`, of.length] as const,
      ]),
    ]),
  };
}

function checkQuotas(namespace: string, needs: Needs, { quotas }: ClusterView): readonly Condition[] {
  return quotas
    .filter((quota) => quota.namespace === namespace)
    .flatMap((quota) => {
      // Which pods a scoped quota counts depends on how KubeVirt builds them.
      const needed = new Map([...(quota.isScoped ? [] : needs.ofPods), ...needs.ofObjects]);
      const over = excessOf(quota, needed);
      if (over.length === 0) return [];
      const message = `the quota '${quota.name}' of '${namespace}' has too little left: ${over.join('; ')}`;
      return [condition('TargetQuotaExceeded', 'NotEnoughLeft', message, [`${namespace}/${quota.name}`])];
    });
}

function excessOf({ hard, used }: Quota, needed: ReadonlyMap<string, number>): readonly string[] {
  return Object.entries(hard).flatMap(([resource, text]) => {
    const [most, need] = [quantity(text), needed.get(resource) ?? 0];
    const usedText = used[resource] ?? '0';
    if (most === undefined || need === 0 || (quantity(usedText) ?? 0) + need <= most) return [];
    return [`${resource}: ${shown(resource, need)} needed, ${usedText} of ${text} used`];
  });
}

const shown = (resource: string, need: number): string =>
  /storage$|memory$/.test(resource) ? gib(need) : String(Math.ceil(need * 1000) / 1000);

function checkLimits(
  namespace: string,
  claims: readonly ClaimToMake[],
  { limitRanges }: ClusterView,
): readonly Condition[] {
  return limitRanges
    .filter((range) => range.namespace === namespace)
    .flatMap(({ name, limits }) =>
      limits
        .filter(({ type }) => type === 'PersistentVolumeClaim')
        .flatMap(({ max, min }) => {
          const most = quantity(max['storage'] ?? '') ?? Number.POSITIVE_INFINITY;
          const least = quantity(min['storage'] ?? '') ?? 0;
          const outside = claims.filter(({ bytes }) => bytes > most || bytes < least);
          if (outside.length === 0) return [];
          const sizes = outside.map((claim) => `'${claim.name}' of ${gib(claim.bytes)}`);
          const allowed = [
            ...(min['storage'] === undefined ? [] : [`from ${min['storage']}`]),
            ...(max['storage'] === undefined ? [] : [`to ${max['storage']}`]),
          ].join(' ');
          const message = `the limit range '${name}' of '${namespace}' allows claims ${allowed}, not ${listed(sizes)}`;
          const vms = [...new Set(outside.map(({ vm }) => vm.vm.name))];
          return [condition('TargetLimitExceeded', 'SizeNotAllowed', message, vms)];
        }),
    );
}

/** A limit range applies to single containers or to whole pods. Kubernetes fills in its default limits. */
function checkWorkerLimits(
  namespace: string,
  { pods, each, container }: WorkerNeeds,
  { limitRanges }: ClusterView,
): readonly Condition[] {
  if (pods === 0) return [];
  const of = { Pod: each.limits, Container: container.limits };
  return limitRanges
    .filter((range) => range.namespace === namespace)
    .flatMap(({ name, limits }) =>
      limits.flatMap(({ type, max }) => {
        if (type !== 'Pod' && type !== 'Container') return [];
        const over = (['cpu', 'memory'] as const).filter(
          (resource) => of[type][resource] > (quantity(max[resource] ?? '') ?? Number.POSITIVE_INFINITY),
        );
        if (over.length === 0) return [];
        const what = type === 'Pod' ? 'worker pod (its containers together)' : 'container of a worker pod';
        const figures = over.map(
          (resource) => `${resource} to ${max[resource]}, not ${shown(resource, of[type][resource])}`,
        );
        const message = `the limit range '${name}' of '${namespace}' allows a ${what} ${figures.join(', ')}`;
        return [condition('TargetLimitExceeded', 'WorkerPodTooLarge', message, [`${namespace}/${name}`])];
      }),
    );
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
