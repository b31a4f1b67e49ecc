import { z } from 'zod';
import { AccessMode, Dns1123Label, VolumeMode } from './provider.js';

export const NetworkPair = z.strictObject({
  source: z.string().min(1),
  destination: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('pod') }),
    z.strictObject({
      type: z.literal('multus'),
      name: z.string().min(1),
      namespace: Dns1123Label.optional(),
    }),
    z.strictObject({ type: z.literal('ignored') }),
  ]),
});
export const StoragePair = z.strictObject({
  source: z.string().min(1),
  destination: z.strictObject({
    storageClass: Dns1123Label,
    /** Like the volume mode, by default the target's choice for the storage class. */
    accessMode: AccessMode.optional(),
    volumeMode: VolumeMode.optional(),
  }),
});
export const MappingSpec = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('network'),
    name: Dns1123Label,
    source: z.string().min(1),
    target: z.string().min(1),
    pairs: z.array(NetworkPair),
  }),
  z.strictObject({
    kind: z.literal('storage'),
    name: Dns1123Label,
    source: z.string().min(1),
    target: z.string().min(1),
    pairs: z.array(StoragePair),
  }),
]);
export type MappingSpec = z.infer<typeof MappingSpec>;
