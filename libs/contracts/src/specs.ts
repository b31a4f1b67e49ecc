import { z } from 'zod';
import { PowerState } from './inventory.js';

/** What users write: providers, mappings and plans, as they come over the API and stand in the log. */

/** RFC 1123 label: what Kubernetes allows as the name of most things. */
export const Dns1123Label = z
  .string()
  .max(63)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    'must be a DNS-1123 label: lower case letters, digits and -, at most 63',
  );
export const Site = Dns1123Label;
/** A reference to a secret that each worker resolves at its own site; the secret itself is never stored. */
export const SecretRef = z.object({ name: Dns1123Label });

export const AccessMode = z.enum(['ReadWriteOnce', 'ReadWriteMany', 'ReadOnlyMany']);
export const VolumeMode = z.enum(['Filesystem', 'Block']);

export const OvaSettings = z.object({
  /** An .ova, an .ovf, or a folder of them, as the planner and the workers at the provider's sites see it. */
  path: z.string().min(1).startsWith('/', 'must be an absolute path'),
});
export const TargetNetwork = z.object({
  name: z.string().min(1),
  type: z.enum(['pod', 'multus']),
  namespace: Dns1123Label.optional(),
  nicKinds: z.array(z.enum(['ethernet', 'sriov'])).default(['ethernet']),
});
export type TargetNetwork = z.infer<typeof TargetNetwork>;
export const TargetStorage = z.object({
  name: Dns1123Label,
  accessModes: z.array(AccessMode).min(1).default(['ReadWriteOnce']),
  volumeModes: z.array(VolumeMode).min(1).default(['Filesystem']),
});
export type TargetStorage = z.infer<typeof TargetStorage>;
export const DirectorySettings = z.object({
  path: z.string().min(1).startsWith('/', 'must be an absolute path'),
  diskFormat: z.enum(['raw', 'qcow2']).default('qcow2'),
  /** What the cluster that the manifests are meant for has. */
  networks: z.array(TargetNetwork).default([{ name: 'pod', type: 'pod', nicKinds: ['ethernet'] }]),
  storages: z
    .array(TargetStorage)
    .default([{ name: 'default', accessModes: ['ReadWriteOnce'], volumeModes: ['Filesystem'] }]),
});
export type DirectorySettings = z.infer<typeof DirectorySettings>;

const providerBase = {
  name: Dns1123Label,
  sites: z.array(Site).min(1).default(['local']),
  secret: SecretRef.optional(),
};
export const ProviderSpec = z.discriminatedUnion('type', [
  z.strictObject({ ...providerBase, type: z.literal('ova'), settings: OvaSettings }),
  z.strictObject({ ...providerBase, type: z.literal('directory'), settings: DirectorySettings }),
]);
export type ProviderSpec = z.infer<typeof ProviderSpec>;

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
    accessMode: AccessMode.default('ReadWriteOnce'),
    volumeMode: VolumeMode.default('Filesystem'),
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

export const RetryPolicy = z.strictObject({
  /** Transient failures of one step in a row, without new progress, after which the VM has failed. */
  maxRetries: z.int().min(0).max(100).default(3),
  /** Attempts of one step in a row whose worker was lost: a step that kills its worker must end some time. */
  maxLost: z.int().min(0).max(1000).default(25),
  baseDelayMs: z.int().min(0).default(10_000),
  maxDelayMs: z.int().min(0).default(300_000),
});
export type RetryPolicy = z.infer<typeof RetryPolicy>;

export const TargetPowerState = z.enum(['on', 'off', 'auto']);
export const VerifyMode = z.enum(['none', 'written', 'full']);

export const PlanVm = z.strictObject({
  /** Id or name in the source's inventory; a name that is not unique is a Critical condition. */
  ref: z.string().min(1),
  targetName: Dns1123Label.optional(),
  targetPowerState: TargetPowerState.optional(),
  /** Device that virt-v2v takes as root, such as `/dev/sda1`; else the first root found. */
  rootDisk: z.string().min(1).optional(),
  labels: z.record(z.string(), z.string()).optional(),
});
export const PlanSpec = z.strictObject({
  name: Dns1123Label,
  description: z.string().default(''),
  type: z.enum(['cold']).default('cold'),
  source: z.string().min(1),
  target: z.string().min(1),
  targetNamespace: Dns1123Label.default('default'),
  networkMapping: z.string().min(1),
  storageMapping: z.string().min(1),
  vms: z.array(PlanVm).min(1),
  skipGuestConversion: z.boolean().default(false),
  /** Raw copy only: SATA and e1000e, which every guest has drivers for, in place of virtio. */
  useCompatibilityMode: z.boolean().default(true),
  verify: VerifyMode.default('written'),
  /** Starts the result under QEMU, without touching its disks, and records what the console showed. */
  bootProof: z.boolean().default(false),
  targetPowerState: TargetPowerState.default('auto'),
  maxConcurrentMigrations: z.int().min(1).max(10_000).default(3),
  priority: z.int().min(0).max(100).default(50),
  /** Bytes a second for each VM's copies; none: as fast as it goes. */
  bandwidthLimit: z.int().min(1).optional(),
  retry: RetryPolicy.default({ maxRetries: 3, maxLost: 25, baseDelayMs: 10_000, maxDelayMs: 300_000 }),
  powerOnSourceAfterFailure: z.boolean().default(true),
  labels: z.record(z.string(), z.string()).default({}),
});
export type PlanSpec = z.infer<typeof PlanSpec>;
export type PlanSpecInput = z.input<typeof PlanSpec>;

export const RecordedPowerState = PowerState;
