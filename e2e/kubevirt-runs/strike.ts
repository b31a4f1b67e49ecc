import { setTimeout as delay } from 'node:timers/promises';
import { type ApiCall, type ApiFault, KubernetesRefused, until } from '@ledgerlift/testing';
import type { Chance } from '../faults/script/draw.js';
import type { FaultScript } from './script.js';
import type { World } from './world.js';

/** Name of the quota that a strike makes. */
export const QUOTA = 'used-up';
/** How long a pod to strike is waited for. */
const POD_MS = 10_000;
const SYNCED_MS = 30_000;

export interface Target {
  readonly namespace: string;
  readonly migration: string;
  /** Decides which requests are met, and which process is. */
  readonly chance: Chance;
  /** Aborted once the VM is at an end. */
  readonly over: AbortSignal;
}

/**
 * Does one fault to the VM that is migrated, or to the world around it, and undoes it where it is to end.
 *
 * @returns whether it met anything: a pod that is not there cannot be deleted
 */
export async function strike(world: World, target: Target, fault: FaultScript): Promise<'met' | 'missed'> {
  const { kubernetes, proxy, installation } = world.cluster;
  switch (fault.kind) {
    case 'api-server-is-killed':
      await world.alone(async () => {
        await kubernetes.kill();
        await delay(fault.ms);
        await kubernetes.restart();
      });
      return 'met';
    case 'watches-are-cut': {
      let cut = 0;
      for (let time = 0; time < fault.times; time += 1) {
        cut += proxy.cutWatches();
        await delay(300);
      }
      return cut > 0 ? 'met' : 'missed';
    }
    case 'watch-is-gone':
      return injected(world, target, fault, { kind: 'gone', as: fault.as });
    case 'requests-are-refused': {
      const { status } = fault;
      const patience = status === 429 ? { retryAfter: 1 } : {};
      return injected(world, target, fault, { kind: 'answer', status, passed: 'never', ...patience });
    }
    case 'answers-are-lost':
      return injected(
        world,
        target,
        fault,
        fault.as === 'reset'
          ? { kind: 'reset', passed: 'before' }
          : { kind: 'answer', status: 500, passed: 'before' },
      );
    case 'connections-are-reset':
      return injected(world, target, fault, { kind: 'reset', passed: 'never' });
    case 'requests-stall':
      return injected(world, target, fault, { kind: 'stall', ms: fault.stallMs });
    case 'quota-is-used-up':
      return usedUp(world, target, fault.of, fault.ms);
    case 'volume-is-late': {
      using _ = world.volumes.hold(
        ({ namespace, name }) =>
          namespace === target.namespace && name.endsWith('-scratch') === (fault.of === 'scratch'),
      );
      await delay(fault.ms);
      return 'met';
    }
    case 'pod-is-deleted':
      return toPod(world, target, (path) => kubernetes.admin.remove(path));
    case 'pod-is-evicted':
      return toPod(world, target, (path, name) =>
        kubernetes.admin.create(`${path}/eviction`, {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { name },
        }),
      );
    case 'process-is-killed':
      return killProcess(world, target);
    case 'node-is-lost':
      await world.alone(async () => {
        await kubernetes.node.lose();
        await delay(fault.ms);
        await kubernetes.node.comeBack();
        await world.cluster.sayVmsCanRun();
      });
      return 'met';
    case 'service-is-killed':
      await world.alone(() => installation.service(fault.service).restart());
      return 'met';
  }
}

async function injected(
  { cluster: { proxy } }: World,
  { chance }: Target,
  { verbs, share, ms }: Extract<FaultScript, { readonly share: number }>,
  fault: ApiFault,
): Promise<'met' | 'missed'> {
  using injection = proxy.inject(fault, ({ verb }: ApiCall) => verbs.includes(verb) && chance.is(share));
  await delay(ms);
  return injection.hits > 0 ? 'met' : 'missed';
}

/** A quota counts once its controller has looked at it, and is in the way until then, too. */
async function usedUp(
  { cluster: { kubernetes } }: World,
  { namespace }: Target,
  of: string,
  ms: number,
): Promise<'met'> {
  const { admin } = kubernetes;
  const quotas = `/api/v1/namespaces/${namespace}/resourcequotas`;
  await again(() => admin.create(quotas, { metadata: { name: QUOTA }, spec: { hard: { [of]: '0' } } }), 409);
  await delay(ms);
  await again(() => admin.remove(`${quotas}/${QUOTA}`), 404);
  return 'met';
}

/** Asks again while others' faults hinder. @param done a status that says that it is so already */
async function again(ask: () => Promise<unknown>, done: number): Promise<void> {
  for (const deadline = Date.now() + SYNCED_MS; ; await delay(200)) {
    try {
      await ask();
      return;
    } catch (error) {
      if (error instanceof KubernetesRefused && error.status === done) return;
      if (Date.now() > deadline) throw error;
    }
  }
}

interface PodObject {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
}

async function toPod(
  { cluster: { kubernetes } }: World,
  { namespace, over }: Target,
  act: (path: string, name: string) => Promise<unknown>,
): Promise<'met' | 'missed'> {
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  for (const deadline = Date.now() + POD_MS; Date.now() < deadline && !over.aborted; await delay(200)) {
    try {
      const { items } = await kubernetes.admin.call<{ readonly items: readonly PodObject[] }>(pods);
      const [pod] = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      if (pod === undefined) continue;
      await act(`${pods}/${pod.metadata.name}`, pod.metadata.name);
      return 'met';
    } catch {
      // The API server is away, or the pod is just gone.
    }
  }
  return 'missed';
}

async function killProcess(world: World, { migration, chance, over }: Target): Promise<'met' | 'missed'> {
  let pids: readonly number[] = [];
  await until(
    'a process in the pod',
    async () => {
      pids = await world.processesOf(migration);
      return pids.length > 0 || over.aborted;
    },
    POD_MS,
  ).catch(() => undefined);
  if (pids.length === 0) return 'missed';
  try {
    process.kill(chance.pick(pids), 'SIGKILL');
    return 'met';
  } catch {
    return 'missed';
  }
}
