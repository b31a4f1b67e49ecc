import type { KubeVirtSettings, Resource, VmRecord } from '@ledgerlift/contracts';
import { allocatedSize } from '../disk-size.js';
import { RecordMismatch } from '../errors.js';
import type { Guard, VmAtWork, Workplace } from '../workplace.js';
import { readCredentials } from './access.js';
import { KubernetesConnection } from './connection.js';
import { objectionToClaim } from './disks/adopted.js';
import { recordedDisk } from './disks/claim.js';
import { claimSizeOf, ensureClaim } from './disks/claims.js';
import { holderOf } from './disks/holders.js';
import { releaseClaim, sweepClaims } from './disks/release.js';
import { ClaimHeld, NotBesideTheDisks } from './errors.js';
import { ON_SCRATCH } from './ledger.js';
import type { AtCluster } from './ownership.js';
import { ownDisks } from './vm/own-disks.js';
import { releaseVm } from './vm/release.js';
import type { PodLaunch } from '../port.js';
import { besideDisks, workplaceBeside } from './beside.js';
import { endPod, ensurePod, releasePart } from './pod/launch.js';
import { resources } from './resources.js';
import { stateOf } from './vm/state.js';
import { ensureVm, findInstance, findVm, isCreated, setRunStrategy } from './vm/virtual-machine.js';
import { waitUntilRunning, waitUntilStopped } from './vm/waiting.js';

/** How long a VM may take to run, or a guest to shut down: image pulls, volumes and slow guests, generously. */
const PATIENCE_MS = 900_000;
/** KubeVirt calls a VM failed while it still tries. */
const FAILURE_MS = 120_000;

/** @throws RecordMismatch where the VM's target is no cluster */
function clusterOf({ target, targetName }: VmRecord): {
  readonly settings: KubeVirtSettings;
  readonly secret: string | undefined;
} {
  if (target.type !== 'kubevirt')
    throw new RecordMismatch(`the target of "${targetName}" is of type "${target.type}", and no cluster`);
  return { settings: target.settings, secret: target.secret?.name };
}

/** Where this worker does what an attempt asks for: in the VM's pod, beside its disks, else at the API server. */
export async function workplace(record: VmRecord, guard: Guard): Promise<Workplace> {
  const beside = besideDisks();
  return beside === undefined ? workplaceAtCluster(record, guard) : workplaceBeside(record, guard, beside);
}

/** @see TargetPods */
export async function ensurePodOf(
  record: VmRecord,
  guard: Guard,
  launch: PodLaunch,
): Promise<'running' | 'starting'> {
  const at = atCluster(record, guard);
  try {
    return await ensurePod(at, launch);
  } finally {
    await at.connection.close();
  }
}

/** To be closed. */
function atCluster(record: VmRecord, guard: Guard): AtCluster {
  const { settings, secret } = clusterOf(record);
  const connection = new KubernetesConnection(() => readCredentials(settings.access, secret));
  return { connection, record, guard };
}

/**
 * A worker that reaches the API server: it makes and removes objects, and starts and stops the VM. Bytes are moved by workers in the VM's own
 * pod.
 */
function workplaceAtCluster(record: VmRecord, guard: Guard): Workplace {
  const at = atCluster(record, guard);
  const beside = (what: string) => (): Promise<never> =>
    Promise.reject(new NotBesideTheDisks(what, record.targetName));
  return {
    // A VM's objects are marked one by one: there is no folder around them.
    open: () => Promise.resolve(),
    seeOurs: () => Promise.resolve(),
    room: () =>
      // Quotas and classes say what there is room for, and say it when a claim is made.
      Promise.resolve({
        where: record.targetNamespace,
        freeBytes: Number.MAX_SAFE_INTEGER,
        written: record.disks.map(() => 0),
      }),
    disks: {
      allocate: (diskId, size) => ensureClaim(at, diskId, claimSizeOf(recordedDisk(record, diskId), size)),
      objectionTo: (diskId, size) => objectionToClaim(at, diskId, allocatedSize(size)),
      endWriters: async () => {
        await endPod(at);
        await assertNobodyWrites(at);
      },
      openForWriting: beside('write a disk'),
      openForVerification: beside('read a disk'),
      chunkManifest: beside('write a disk'),
      unpacked: beside('unpack a disk'),
      files: beside('open the disks'),
      testOverlays: beside('open the disks'),
    },
    vm: vmAtWork(at),
    conversion: () => {
      throw new NotBesideTheDisks('convert the guest', record.targetName);
    },
    log: () => {
      throw new NotBesideTheDisks('write a log', record.targetName);
    },
    release: (resource) => releaseOne(at, resource),
    // Until now the disks would outlive the VM, whoever deletes it; now they go with it.
    handOver: () => ownDisks(at),
    sweep: async (kept) => {
      const names = kept
        .filter(({ kind }) => kind === 'disk' || kind === 'scratch')
        .map(({ name }) => nameIn(record, name));
      await sweepClaims(at, names);
    },
    [Symbol.asyncDispose]: () => at.connection.close(),
  };
}

function vmAtWork(at: AtCluster): VmAtWork {
  const claims = at.record.disks.map(({ pvcName }) => pvcName);
  return {
    create: async (vm) => {
      await ensureVm(at, vm);
      return [at.record.folder];
    },
    isCreated: () => isCreated(at),
    setRunStrategy: async (vm) => {
      // From here on its disks are the VM's alone.
      await endPod(at);
      if (await isHalted(at)) await assertNobodyWrites(at);
      await setRunStrategy(at, vm, vm.runStrategy);
      if (vm.runStrategy === 'Always') {
        const { waitForGuestAgent } = at.record.settings;
        const agent = waitForGuestAgent ? ({ agent: 'wanted' } as const) : {};
        await waitUntilRunning(at, { patienceMs: PATIENCE_MS, failureMs: FAILURE_MS, ...agent });
        return waitForGuestAgent ? 'running, and its agent answers' : 'running';
      }
      await waitUntilStopped(at, { patienceMs: PATIENCE_MS });
      return 'halted';
    },
    holder: async () => {
      await endPod(at);
      const holder = await holderOf(at, claims);
      return holder && { path: holder.claim, who: holder.who };
    },
  };
}

/** Whether nothing of the VM is there that may have its disks. */
async function isHalted(at: AtCluster): Promise<boolean> {
  const vm = await findVm(at);
  const instance = await findInstance(at);
  return vm === undefined || stateOf(vm, instance).is === 'halted';
}

/** Writers are pods: whoever has a claim mounted may write it. @throws ClaimHeld */
async function assertNobodyWrites(at: AtCluster): Promise<void> {
  const { record } = at;
  const held = await holderOf(
    at,
    record.disks.map(({ pvcName }) => pvcName),
  );
  if (held !== undefined) throw new ClaimHeld(`${record.targetNamespace}/${held.claim}`, held.who);
}

async function releaseOne(at: AtCluster, { kind, name }: Resource): ReturnType<Workplace['release']> {
  const called = nameIn(at.record, name);
  if (kind === 'virtual-machine') return releaseVm(at, { patienceMs: PATIENCE_MS });
  if (kind === 'worker-pod') return endPod(at);
  if (kind === 'credential') return releasePart(at, resources.secrets, called);
  if (kind === 'scratch') {
    // The pod has it mounted, and may be asked to go after it.
    await endPod(at);
    return releaseClaim(at, called);
  }
  // It stands on the scratch claim, and goes with it: it is no object of the cluster.
  if (ON_SCRATCH.has(kind)) return 'absent';
  if (kind === 'disk') return releaseClaim(at, called);
  throw new RecordMismatch(`"${at.record.targetName}" has no ${kind} in a cluster: "${name}"`);
}

/** A resource of the ledger is called by namespace and name. */
const nameIn = ({ targetNamespace }: VmRecord, name: string): string =>
  name.startsWith(`${targetNamespace}/`) ? name.slice(targetNamespace.length + 1) : name;
