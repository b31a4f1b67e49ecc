import type { KubeVirtSettings, Resource, VmRecord } from '@ledgerlift/contracts';
import { allocatedSize } from '../files/layout.js';
import { RecordMismatch } from '../errors.js';
import type { Guard, VmAtWork, Workplace } from '../workplace.js';
import { readCredentials } from './access.js';
import { KubernetesConnection } from './connection.js';
import { objectionToClaim } from './disks/adopted.js';
import { claimSizeOf, ensureClaim, recordedDisk } from './disks/claims.js';
import { holderOf } from './disks/holders.js';
import { releaseClaim, sweepClaims } from './disks/release.js';
import { ClaimHeld, NotBesideTheDisks } from './errors.js';
import { ON_SCRATCH } from './ledger.js';
import type { AtCluster } from './ownership.js';
import { ownDisks, releaseVm } from './vm/own-disks.js';
import type { LogTail, PodLaunch } from '../port.js';
import { besideDisks, workplaceBeside } from './beside.js';
import { keptLogName, readLog } from './pod/kept-logs.js';
import { endPod, ensurePod, releasePart } from './pod/launch.js';
import { resources } from './resources.js';
import { stateOf } from './vm/state.js';
import { ensureVm, findInstance, findVm, isCreated, setRunStrategy } from './vm/virtual-machine.js';
import { waitUntilRunning, waitUntilStopped } from './vm/waiting.js';

/** Generous limit for a VM to start or a guest to shut down, including image pulls and volumes. */
const PATIENCE_MS = 900_000;
/** KubeVirt reports a VM as failed while it still retries. */
const FAILURE_MS = 120_000;
/** A freshly started API server must not hold a VM, so missing rights are reported only after this time. */
const REFUSED_MS = 15_000;
/** Short, because a user waits for the answer. */
const LOG_PATIENCE_MS = 30_000;

/** @throws RecordMismatch if the VM's target is not a cluster */
function clusterOf({ target, targetName }: VmRecord): {
  readonly settings: KubeVirtSettings;
  readonly secret: string | undefined;
} {
  if (target.type !== 'kubevirt')
    throw new RecordMismatch(`the target of "${targetName}" is of type "${target.type}", not a cluster`);
  return { settings: target.settings, secret: target.secret?.name };
}

/** Opens the workplace of this worker: beside the disks in the VM's pod, or else at the API server. */
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

/** @see Target.readLog */
export async function readLogOf(
  record: VmRecord,
  log: string,
  tailBytes: number,
): Promise<LogTail | undefined> {
  const connection = connectionTo(record);
  try {
    const signal = AbortSignal.timeout(LOG_PATIENCE_MS);
    return await readLog(connection, { record, log, tailBytes, signal });
  } finally {
    await connection.close();
  }
}

function connectionTo(record: VmRecord): KubernetesConnection {
  const { settings, secret } = clusterOf(record);
  return new KubernetesConnection(() => readCredentials(settings.access, secret), { refusedMs: REFUSED_MS });
}

/** The caller must close the connection. */
function atCluster(record: VmRecord, guard: Guard): AtCluster {
  return { connection: connectionTo(record), record, guard };
}

/**
 * The workplace of a worker that reaches the API server: it creates and removes objects, and starts and stops the VM. Workers in the
 * VM's own pod move the bytes.
 */
function workplaceAtCluster(record: VmRecord, guard: Guard): Workplace {
  const at = atCluster(record, guard);
  const beside = (what: string) => (): Promise<never> =>
    Promise.reject(new NotBesideTheDisks(what, record.targetName));
  return {
    // Each object of the VM carries its own mark; no folder contains them.
    open: () => Promise.resolve(),
    seeOurs: () => Promise.resolve(),
    room: () =>
      // Quotas and storage classes limit the space, and refuse a claim when it is created.
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
    // Until now, disks and logs outlived a deleted VM; from now on they are deleted with it.
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
      // From here on, only the VM may use its disks.
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

/** Whether no part of the VM can be using its disks. */
async function isHalted(at: AtCluster): Promise<boolean> {
  const vm = await findVm(at);
  const instance = await findInstance(at);
  return vm === undefined || stateOf(vm, instance).is === 'halted';
}

/** Any pod that mounts a claim may write to it. @throws ClaimHeld */
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
    // The pod mounts it, and its own release may come later.
    await endPod(at);
    return releaseClaim(at, called);
  }
  if (kind === 'log') {
    // End the pod first, because that keeps its logs; afterwards nothing would.
    await endPod(at);
    return releasePart(at, resources.configMaps, keptLogName(at.record, name));
  }
  // It is a file on the scratch claim and is deleted with it, not an object of the cluster.
  if (ON_SCRATCH.has(kind)) return 'absent';
  if (kind === 'disk') return releaseClaim(at, called);
  throw new RecordMismatch(`"${at.record.targetName}" has no ${kind} in a cluster: "${name}"`);
}

/** The ledger names resources by namespace and name. */
const nameIn = ({ targetNamespace }: VmRecord, name: string): string =>
  name.startsWith(`${targetNamespace}/`) ? name.slice(targetNamespace.length + 1) : name;
