import { z } from 'zod';
import { quantity } from './quantity.js';

const Labels = z.record(z.string(), z.string()).default({});
const Metadata = z.object({
  name: z.string(),
  namespace: z.string().default(''),
  annotations: Labels,
  labels: Labels,
});
const Quantity = z.union([z.string(), z.number()]).transform(String);
const Quantities = z.record(z.string(), Quantity).default({});
const Modes = z.object({
  accessModes: z.array(z.string()).default([]),
  volumeMode: z.string().default('Filesystem'),
});

/** What is kept of each kind of object; the fields are those of the kind's own documentation. */
export const Named = z
  .object({ metadata: Metadata })
  .transform(({ metadata: { name, namespace } }) => ({ name, namespace }));
export type Named = z.infer<typeof Named>;

export const Namespace = z
  .object({
    metadata: Metadata,
    status: z.object({ phase: z.string().default('Active') }).prefault({}),
  })
  .transform(({ metadata: { name }, status }) => ({ name, isEnding: status.phase === 'Terminating' }));
export type Namespace = z.infer<typeof Namespace>;

export const StorageClass = z
  .object({
    metadata: Metadata,
    provisioner: z.string(),
    volumeBindingMode: z.string().default('Immediate'),
    allowVolumeExpansion: z.boolean().default(false),
  })
  .transform(({ metadata: { name, annotations }, ...rest }) => ({
    name,
    ...rest,
    isDefault: annotations['storageclass.kubernetes.io/is-default-class'] === 'true',
    /** KubeVirt's own default for the disks of VMs. */
    isDefaultForVms: annotations['storageclass.kubevirt.io/is-default-virt-class'] === 'true',
  }));
export type StorageClass = z.infer<typeof StorageClass>;

/** CDI's, of the storage class of the same name. */
export const StorageProfile = z
  .object({
    metadata: Metadata,
    status: z
      .object({
        claimPropertySets: z.array(Modes).default([]),
        cloneStrategy: z.string().optional(),
        snapshotClass: z.string().optional(),
      })
      .prefault({}),
  })
  .transform(({ metadata: { name }, status }) => ({ name, ...status }));
export type StorageProfile = z.infer<typeof StorageProfile>;

export const SnapshotClass = z
  .object({ metadata: Metadata, driver: z.string(), deletionPolicy: z.string() })
  .transform(({ metadata: { name }, ...rest }) => ({ name, ...rest }));
export type SnapshotClass = z.infer<typeof SnapshotClass>;

/** `used` is what the quota's controller counted last. */
export const Quota = z
  .object({ metadata: Metadata, status: z.object({ hard: Quantities, used: Quantities }).prefault({}) })
  .transform(({ metadata: { name, namespace }, status: { hard, used } }) => ({
    name,
    namespace,
    hard,
    used,
  }));
export type Quota = z.infer<typeof Quota>;

export const LimitRange = z
  .object({
    metadata: Metadata,
    spec: z.object({
      limits: z.array(z.object({ type: z.string(), max: Quantities, min: Quantities, default: Quantities })),
    }),
  })
  .transform(({ metadata: { name, namespace }, spec: { limits } }) => ({ name, namespace, limits }));
export type LimitRange = z.infer<typeof LimitRange>;

export const Node = z
  .object({
    metadata: Metadata,
    spec: z.object({ unschedulable: z.boolean().default(false) }).prefault({}),
    status: z
      .object({
        allocatable: Quantities,
        conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
      })
      .prefault({}),
  })
  .transform(({ metadata: { name, labels }, spec, status: { allocatable, conditions } }) => ({
    name,
    isReady: conditions.some(({ type, status }) => type === 'Ready' && status === 'True'),
    /** KubeVirt puts the label on nodes where its handler is alive. */
    takesVms: labels['kubevirt.io/schedulable'] === 'true' && !spec.unschedulable,
    /** For all pods of the node together; what they have asked for already is not taken off. */
    allocatable: {
      cores: quantity(allocatable['cpu'] ?? '0') ?? 0,
      memoryBytes: quantity(allocatable['memory'] ?? '0') ?? 0,
      pods: quantity(allocatable['pods'] ?? '0') ?? 0,
    },
  }));
export type Node = z.infer<typeof Node>;

export const VirtualMachine = z
  .object({
    metadata: Metadata,
    spec: z.object({ runStrategy: z.string().optional(), running: z.boolean().optional() }),
    status: z.object({ printableStatus: z.string().default('Unknown') }).prefault({}),
  })
  .transform(({ metadata: { name, namespace, labels }, spec, status }) => ({
    name,
    namespace,
    labels,
    // `running` is what `runStrategy` replaced; a VM has one of the two.
    runStrategy: spec.runStrategy ?? (spec.running === true ? 'Always' : 'Halted'),
    status: status.printableStatus,
  }));
export type VirtualMachine = z.infer<typeof VirtualMachine>;

export const KubeVirt = z
  .object({
    metadata: Metadata,
    spec: z
      .object({
        configuration: z
          .object({
            developerConfiguration: z.object({ featureGates: z.array(z.string()).default([]) }).prefault({}),
          })
          .prefault({}),
      })
      .prefault({}),
    status: z
      .object({ observedKubeVirtVersion: z.string().optional(), phase: z.string().default('Unknown') })
      .prefault({}),
  })
  .transform(({ metadata: { name, namespace }, spec, status }) => ({
    name,
    namespace,
    /** Undefined until KubeVirt's operator has deployed it. */
    version: status.observedKubeVirtVersion,
    phase: status.phase,
    featureGates: spec.configuration.developerConfiguration.featureGates,
  }));
export type KubeVirt = z.infer<typeof KubeVirt>;
