import type { VmRecord } from '@ledgerlift/contracts';
import { z } from 'zod';
import { RecordMismatch, WrongDisk } from '../../errors.js';
import { allocatedSize } from '../../files/layout.js';
import { described, resources } from '../resources.js';
import {
  ClaimLost,
  KubernetesAlreadyExists,
  KubernetesRefused,
  ObjectEnding,
  QuotaExceeded,
} from '../errors.js';
import { quantity } from '../inventory/storage-facts.js';
import { anewOnConflict, findObject } from '../objects.js';
import { assertOurs, type AtCluster, ObjectMetadata, ownLabels } from '../ownership.js';

const Storage = z
  .object({ storage: z.union([z.string(), z.number()]).transform((text) => quantity(String(text)) ?? 0) })
  .prefault({ storage: 0 });

/** The fields of a PersistentVolumeClaim that we read. */
export const Claim = z
  .object({
    metadata: ObjectMetadata,
    spec: z.object({
      accessModes: z.array(z.string()).default([]),
      volumeMode: z.enum(['Filesystem', 'Block']).default('Filesystem'),
      storageClassName: z.string().optional(),
      resources: z.object({ requests: Storage }).prefault({}),
    }),
    status: z.object({ phase: z.string().default('Pending'), capacity: Storage }).prefault({}),
  })
  .transform(({ metadata, spec: { resources: asked, ...spec }, status }) => ({
    metadata,
    ...spec,
    phase: status.phase,
    requestedBytes: asked.requests.storage,
    /** Size of its volume; 0 until it has one. */
    capacityBytes: status.capacity.storage,
  }));
export type Claim = z.infer<typeof Claim>;

const MiB = 2 ** 20;
/** Formats bytes as a claim's request, in the shortest exact form. */
export const storageOf = (bytes: number): string => (bytes % MiB === 0 ? `${bytes / MiB}Mi` : String(bytes));

/** Describes a claim for messages: `persistentvolumeclaims "web-disk-0" in the namespace 'vms'`. */
export const claimNamed = (namespace: string, name: string): string =>
  described(resources.claims, { namespace, name });

/** Finds a disk of a record by its id at the source. @throws RecordMismatch if there is none */
export function recordedDisk(record: VmRecord, diskId: string): VmRecord['disks'][number] {
  const disk = record.disks.find((each) => each.diskId === diskId);
  if (disk === undefined) throw new RecordMismatch(`"${record.targetName}" has no disk "${diskId}"`);
  return disk;
}

export interface ClaimSizeRules {
  readonly volumeMode: 'Filesystem' | 'Block';
  /** Share of a Filesystem volume that the file system itself takes, from 0 to below 1; CDI's default is 0.06. */
  readonly overhead: number;
  /** Smallest volume of the storage, in bytes. */
  readonly minimumBytes: number;
}

/**
 * Computes the bytes that a claim must request for a raw disk to fit. Adds the file system's share as CDI does
 * (kubevirt.io/containerized-data-importer v1.65.0, pkg/util/util.go, GetRequiredSpace and DefaultAlignBlockSize):
 * size / (1 − overhead), rounded up to whole MiB. Pure.
 *
 * @param bytes size of the disk
 */
export function claimBytes(bytes: number, { volumeMode, overhead, minimumBytes }: ClaimSizeRules): number {
  const needed = volumeMode === 'Filesystem' ? Math.ceil(bytes / (1 - overhead)) : bytes;
  return Math.ceil(Math.max(needed, minimumBytes, 1) / MiB) * MiB;
}

export interface ClaimSize {
  /** Size of the disk. */
  readonly diskBytes: number;
  /** Size that the claim requests: see `claimBytes`. */
  readonly claimBytes: number;
}

type RecordedDisk = AtCluster['record']['disks'][number];

const DISK_ID = 'ledgerlift.io/disk-id';
const DISK_BYTES = 'ledgerlift.io/disk-bytes';
const StorageClass = z.object({ allowVolumeExpansion: z.boolean().default(false) });

/**
 * Creates the claim of a disk, or finds the one of an earlier attempt and expands it if it is too small and its storage class
 * allows that. Also accepts a Pending claim: with the binding mode WaitForFirstConsumer it stays so until a pod uses it.
 *
 * @throws NotOurs if the name belongs to somebody else: nothing is touched
 * @throws WrongDisk if the claim is ours but differs from the record
 * @throws ClaimLost, ObjectEnding, QuotaExceeded, and the errors of the connection
 */
export function ensureClaim(at: AtCluster, diskId: string, size: ClaimSize): Promise<'created' | 'found'> {
  const disk = recordedDisk(at.record, diskId);
  return anewOnConflict(async () => {
    const found = (await findClaim(at, disk.pvcName)) ?? (await createClaim(at, disk, size));
    if (found === 'created') return found;
    const claim = found === 'exists' ? await findClaim(at, disk.pvcName) : found;
    // Somebody else created and deleted it just now; the next attempt creates it.
    if (claim === undefined)
      throw new ObjectEnding(claimNamed(at.record.targetNamespace, disk.pvcName), 'now');
    assertOurs(resources.claims, claim, at.record);
    assertUsable(claim);
    assertAsRecorded(claim, disk);
    if (claim.requestedBytes < size.claimBytes) await expandClaim(at, claim, disk, size);
    return 'found';
  });
}

/** Reads a claim of the VM's namespace. @returns undefined if there is none */
export const findClaim = (
  { connection, record, guard }: AtCluster,
  name: string,
): Promise<Claim | undefined> =>
  findObject(connection, resources.claims, { namespace: record.targetNamespace, name }, Claim, guard.signal);

/** @throws ClaimLost, ObjectEnding */
function assertUsable({ metadata: { namespace, name, deletionTimestamp }, phase }: Claim): void {
  const named = claimNamed(namespace, name);
  if (deletionTimestamp !== undefined) throw new ObjectEnding(named, deletionTimestamp);
  if (phase === 'Lost') throw new ClaimLost(named);
}

function assertAsRecorded(claim: Claim, disk: RecordedDisk): void {
  const { metadata, accessModes, volumeMode, storageClassName } = claim;
  const wrong = (expected: string, actual: string): WrongDisk =>
    new WrongDisk(`${metadata.namespace}/${metadata.name}`, expected, actual);
  const of = metadata.annotations[DISK_ID];
  if (of !== disk.diskId)
    throw wrong(`that of "${disk.diskId}"`, of === undefined ? 'that of no disk' : `that of "${of}"`);
  if (volumeMode !== disk.volumeMode) throw wrong(`a ${disk.volumeMode} volume`, `a ${volumeMode} volume`);
  if (!accessModes.includes(disk.accessMode))
    throw wrong(`with the access mode ${disk.accessMode}`, `with ${accessModes.join(', ')}`);
  if (storageClassName !== disk.storageClass)
    throw wrong(
      `of the storage class "${disk.storageClass}"`,
      `of the storage class "${storageClassName ?? ''}"`,
    );
}

/** Builds the claim object of a disk. Pure. */
export function claimObject(
  record: AtCluster['record'],
  disk: RecordedDisk,
  { diskBytes, claimBytes }: ClaimSize,
): object {
  const { labels, annotations } = ownLabels(record);
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: disk.pvcName,
      namespace: record.targetNamespace,
      labels,
      annotations: { ...annotations, [DISK_ID]: disk.diskId, [DISK_BYTES]: String(diskBytes) },
    },
    spec: {
      accessModes: [disk.accessMode],
      volumeMode: disk.volumeMode,
      storageClassName: disk.storageClass,
      resources: { requests: { storage: storageOf(claimBytes) } },
    },
  };
}

/**
 * Computes the size of a disk's claim, by the sizing rules that were recorded at the start. Pure.
 *
 * @param bytes size of the source's disk
 */
export function claimSizeOf({ volumeMode, sizing = NO_SIZING }: RecordedDisk, bytes: number): ClaimSize {
  const diskBytes = allocatedSize(bytes);
  return { diskBytes, claimBytes: claimBytes(diskBytes, { volumeMode, ...sizing }) };
}

const NO_SIZING = { overhead: 0, minimumBytes: 0 };

async function createClaim(
  { connection, record, guard }: AtCluster,
  disk: RecordedDisk,
  size: ClaimSize,
): Promise<'created' | 'exists'> {
  const namespace = record.targetNamespace;
  const body = claimObject(record, disk, size);
  await guard.stillOurs();
  try {
    const { signal } = guard;
    await withinQuota(() =>
      connection.call({ verb: 'create', kind: resources.claims, address: { namespace }, body, signal }),
    );
    return 'created';
  } catch (error) {
    if (error instanceof KubernetesAlreadyExists) return 'exists';
    throw error;
  }
}

async function expandClaim(
  { connection, record, guard }: AtCluster,
  claim: Claim,
  disk: RecordedDisk,
  { diskBytes, claimBytes }: ClaimSize,
): Promise<void> {
  const { namespace, name, uid, resourceVersion } = claim.metadata;
  const { signal } = guard;
  const storageClass = await findObject(
    connection,
    resources.storageClasses,
    { name: disk.storageClass },
    StorageClass,
    signal,
  );
  // Kubernetes refuses to change a claim that has no volume yet, whatever its class allows.
  if (storageClass?.allowVolumeExpansion !== true || claim.phase !== 'Bound')
    throw new WrongDisk(
      `${namespace}/${name}`,
      `a claim for ${claimBytes} bytes`,
      `one for ${claim.requestedBytes} bytes, which ${claim.phase === 'Bound' ? 'its storage class does not let grow' : 'has no volume yet'}`,
    );
  await guard.stillOurs();
  await withinQuota(() =>
    connection.call({
      verb: 'patch',
      kind: resources.claims,
      address: { namespace: record.targetNamespace, name },
      contentType: 'application/merge-patch+json',
      body: {
        metadata: { uid, resourceVersion, annotations: { [DISK_BYTES]: String(diskBytes) } },
        spec: { resources: { requests: { storage: storageOf(claimBytes) } } },
      },
      signal,
    }),
  );
}

// kubernetes v1.34, staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go, checkRequest.
const EXCEEDED = /exceeded quota: ([^,]+), (requested: .*)$/s;

/** Runs `make`, and turns a refusal by a quota into an error that names the quota. @throws QuotaExceeded, and as `make` */
export async function withinQuota<T>(make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    const [, quota, figures] =
      (error instanceof KubernetesRefused ? EXCEEDED.exec(error.says) : undefined) ?? [];
    if (!(error instanceof KubernetesRefused) || quota === undefined || figures === undefined) throw error;
    throw new QuotaExceeded(error.object, quota, figures);
  }
}
