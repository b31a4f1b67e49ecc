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
import type { AtCluster } from './ownership.js';
import { releaseVm } from './vm/release.js';
import { ensureVm, isCreated, setRunStrategy } from './vm/virtual-machine.js';
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

/**
 * A worker that reaches the API server: it makes and removes objects, and starts and stops the VM. Bytes are moved by workers in the VM's own
 * pod.
 */
export function workplace(record: VmRecord, guard: Guard): Promise<Workplace> {
  const { settings, secret } = clusterOf(record);
  const connection = new KubernetesConnection(() => readCredentials(settings.access, secret));
  const at: AtCluster = { connection, record, guard };
  const beside = (what: string) => (): Promise<never> =>
    Promise.reject(new NotBesideTheDisks(what, record.targetName));
  return Promise.resolve({
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
      endWriters: () => assertNobodyWrites(at),
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
    sweep: async (kept) => {
      const names = kept.filter(({ kind }) => kind === 'disk').map(({ name }) => nameIn(record, name));
      await sweepClaims(at, names);
    },
    [Symbol.asyncDispose]: () => connection.close(),
  });
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
      await setRunStrategy(at, vm, vm.runStrategy);
      if (vm.runStrategy === 'Always') {
        await waitUntilRunning(at, { patienceMs: PATIENCE_MS, failureMs: FAILURE_MS });
        return 'running';
      }
      await waitUntilStopped(at, { patienceMs: PATIENCE_MS });
      return 'halted';
    },
    holder: async () => {
      const holder = await holderOf(at, claims);
      return holder && { path: holder.claim, who: holder.who };
    },
  };
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

function releaseOne(at: AtCluster, { kind, name }: Resource): ReturnType<Workplace['release']> {
  if (kind === 'virtual-machine') return releaseVm(at, { patienceMs: PATIENCE_MS });
  if (kind === 'disk') return releaseClaim(at, nameIn(at.record, name));
  throw new RecordMismatch(`"${at.record.targetName}" has no ${kind} in a cluster: "${name}"`);
}

/** A resource of the ledger is called by namespace and name. */
const nameIn = ({ targetNamespace }: VmRecord, name: string): string =>
  name.startsWith(`${targetNamespace}/`) ? name.slice(targetNamespace.length + 1) : name;
