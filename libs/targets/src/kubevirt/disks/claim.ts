import type { VmRecord } from '@ledgerlift/contracts';
import { z } from 'zod';
import { RecordMismatch } from '../../errors.js';
import { described } from '../addresses.js';
import { quantity } from '../inventory/quantity.js';
import { ObjectMetadata } from '../ownership.js';
import { resources } from '../resources.js';

const Storage = z
  .object({ storage: z.union([z.string(), z.number()]).transform((text) => quantity(String(text)) ?? 0) })
  .prefault({ storage: 0 });

/** A PersistentVolumeClaim, as far as it is read. */
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
    /** Of its volume; 0 until it has one. */
    capacityBytes: status.capacity.storage,
  }));
export type Claim = z.infer<typeof Claim>;

const MiB = 2 ** 20;
/** Bytes as a claim asks for them, as short as is exact. */
export const storageOf = (bytes: number): string => (bytes % MiB === 0 ? `${bytes / MiB}Mi` : String(bytes));

/** How messages call a claim: `persistentvolumeclaims "web-disk-0" in the namespace 'vms'`. */
export const claimNamed = (namespace: string, name: string): string =>
  described(resources.claims, { namespace, name });

/** The disk of a record by its id at the source. @throws RecordMismatch where it has none */
export function recordedDisk(record: VmRecord, diskId: string): VmRecord['disks'][number] {
  const disk = record.disks.find((each) => each.diskId === diskId);
  if (disk === undefined) throw new RecordMismatch(`"${record.targetName}" has no disk "${diskId}"`);
  return disk;
}
