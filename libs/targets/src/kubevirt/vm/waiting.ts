import { listObjects } from '../objects.js';
import { VmNotReached } from '../errors.js';
import { type AtCluster, ObjectMetadata } from '../ownership.js';
import { resources } from '../resources.js';
import { type WaitTimes, type Watched, untilSeen } from '../until-seen.js';
import { z } from 'zod';
import { type VmState, describeState, isAgentConnected, stateOf } from './state.js';
import { findInstance, findVm, vmNamed } from './virtual-machine.js';

export interface VmWait {
  /** Total time limit. */
  readonly patienceMs: number;
  /** How long a VM may be in a failed state before the wait fails: KubeVirt reports failures while it still retries. */
  readonly failureMs: number;
  /** `wanted`: wait also for the guest's agent to answer. */
  readonly agent?: 'wanted';
  /** Aborts the wait, in addition to the attempt's own signal. */
  readonly signal?: AbortSignal;
  readonly times?: WaitTimes;
}

const LauncherPod = z.object({
  metadata: ObjectMetadata,
  status: z.object({ phase: z.string().default('Pending') }).prefault({}),
});

/**
 * Waits until the VM runs.
 * @throws VmNotReached if it does not run in time, or stays failed; the signal's reason if aborted
 */
export async function waitUntilRunning(at: AtCluster, wait: VmWait): Promise<void> {
  let failedSince: number | undefined;
  await waitFor(at, wait, wait.agent === undefined ? 'running' : 'running with its agent', (seen) => {
    const { state, instance } = seen;
    if (state.is === 'running' && (wait.agent === undefined || isAgentConnected(instance))) return 'reached';
    failedSince = state.is === 'failed' ? (failedSince ?? performance.now()) : undefined;
    const isBelieved = failedSince !== undefined && performance.now() - failedSince >= wait.failureMs;
    return isBelieved ? 'hopeless' : 'not-yet';
  });
}

/**
 * Waits until both the VM's instance and its pod are gone, because either could write to the disks.
 * @throws VmNotReached if one still exists after `patienceMs`; the signal's reason if aborted
 */
export async function waitUntilStopped(
  at: AtCluster,
  wait: Omit<VmWait, 'failureMs' | 'agent'>,
): Promise<void> {
  await waitFor(at, wait, 'stopped', async ({ instance }, within) =>
    instance === undefined && !(await hasLauncher(within)) ? 'reached' : 'not-yet',
  );
}

/** Whether the VM has a pod that has not ended. */
async function hasLauncher({ connection, record, guard }: AtCluster): Promise<boolean> {
  const pods = await listObjects(
    connection,
    resources.pods,
    launcherSelection(record),
    LauncherPod,
    guard.signal,
  );
  return pods.some(({ status: { phase } }) => phase !== 'Succeeded' && phase !== 'Failed');
}

/**
 * KubeVirt gives its pods the label `kubevirt.io` and those of the instance (kubevirt.io/kubevirt v1.8.0, pkg/virt-controller/services/template.go); the
 * VM's name is among those of our template.
 */
const launcherSelection = ({ targetNamespace, targetName }: AtCluster['record']): Watched['selection'] => ({
  namespace: targetNamespace,
  labelSelector: `kubevirt.io=virt-launcher,vm.kubevirt.io/name=${targetName}`,
});

interface Seen {
  readonly state: VmState;
  readonly instance: Awaited<ReturnType<typeof findInstance>>;
}
type Verdict = 'reached' | 'not-yet' | 'hopeless';

async function waitFor(
  at: AtCluster,
  { patienceMs, signal = at.guard.signal, times }: Omit<VmWait, 'failureMs'>,
  wanted: string,
  judge: (seen: Seen, within: AtCluster) => Verdict | Promise<Verdict>,
): Promise<void> {
  const { connection, record, guard } = at;
  const began = performance.now();
  const itself = { namespace: record.targetNamespace, fieldSelector: `metadata.name=${record.targetName}` };
  const watched: readonly Watched[] = [
    { kind: resources.vms, selection: itself },
    { kind: resources.instances, selection: itself },
    { kind: resources.pods, selection: launcherSelection(record) },
  ];
  let last = 'the API server has not answered yet';
  const notReached = (): VmNotReached =>
    new VmNotReached(vmNamed(at), wanted, last, performance.now() - began);
  const late = AbortSignal.timeout(patienceMs);
  const stop = AbortSignal.any([guard.signal, signal, late]);
  const within: AtCluster = {
    ...at,
    guard: { generation: guard.generation, signal: stop, stillOurs: () => guard.stillOurs() },
  };
  const look = async (): Promise<true | undefined> => {
    const [vm, instance] = await Promise.all([findVm(within), findInstance(within)]);
    const state: VmState =
      vm === undefined ? { is: instance === undefined ? 'halted' : 'stopping' } : stateOf(vm, instance);
    last = vm === undefined ? 'there is no such VM' : describeState(state);
    const verdict = await judge({ state, instance }, within);
    if (verdict === 'hopeless') throw notReached();
    return verdict === 'reached' ? true : undefined;
  };
  try {
    await untilSeen(connection, watched, look, stop, times);
  } catch (error) {
    guard.signal.throwIfAborted();
    signal.throwIfAborted();
    throw late.aborted ? notReached() : error;
  }
}
