import { z } from 'zod';
import { allocatedSize } from '../../disk-size.js';
import { WrongDisk } from '../../errors.js';
import { ClaimLost, KubernetesAlreadyExists, ObjectEnding } from '../errors.js';
import { anewOnConflict, findObject } from '../objects.js';
import { type AtCluster, assertOurs, ownLabels } from '../ownership.js';
import { withinQuota } from '../quota.js';
import { resources } from '../resources.js';
import { Claim, claimNamed, recordedDisk, storageOf } from './claim.js';
import { claimBytes } from './claim-size.js';

export interface ClaimSize {
  /** Of the disk. */
  readonly diskBytes: number;
  /** That the claim asks for: see `claimBytes`. */
  readonly claimBytes: number;
}

type RecordedDisk = AtCluster['record']['disks'][number];

const DISK_ID = 'ledgerlift.io/disk-id';
const DISK_BYTES = 'ledgerlift.io/disk-bytes';
const StorageClass = z.object({ allowVolumeExpansion: z.boolean().default(false) });

/**
 * Makes the claim of a disk, or finds that of an earlier attempt. One that is too small is expanded, where its storage class allows
 * that. A claim that is still Pending is found, too: with the binding mode WaitForFirstConsumer it stays so until a pod uses it.
 *
 * @throws NotOurs, where the name is somebody else's: nothing is touched
 * @throws WrongDisk, where the claim is ours, and not as the record has it
 * @throws ClaimLost, ObjectEnding, QuotaExceeded, and the errors of the connection
 */
export function ensureClaim(at: AtCluster, diskId: string, size: ClaimSize): Promise<'created' | 'found'> {
  const disk = recordedDisk(at.record, diskId);
  return anewOnConflict(async () => {
    const found = (await findClaim(at, disk.pvcName)) ?? (await createClaim(at, disk, size));
    if (found === 'created') return found;
    const claim = found === 'exists' ? await findClaim(at, disk.pvcName) : found;
    // Made by somebody else just now, and gone again: the next attempt makes it.
    if (claim === undefined)
      throw new ObjectEnding(claimNamed(at.record.targetNamespace, disk.pvcName), 'now');
    assertOurs(resources.claims, claim, at.record);
    assertUsable(claim);
    assertAsRecorded(claim, disk);
    if (claim.requestedBytes < size.claimBytes) await expandClaim(at, claim, disk, size);
    return 'found';
  });
}

/** Reads a claim of the VM's namespace. @returns undefined where there is none */
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
    throw wrong(`of the storage class "${disk.storageClass}"`, `of "${storageClassName ?? ''}"`);
}

/** The claim of a disk, ready to be sent to a cluster. Pure. */
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
 * What the claim of a disk must ask for, by what was recorded of its class at the start. Pure.
 *
 * @param bytes of the disk at the source
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
