import { z } from 'zod';
import { quantity } from './storage-facts.js';

const Labels = z.record(z.string(), z.string()).default({});
const Metadata = z.object({
  name: z.string(),
  namespace: z.string().default(''),
  annotations: Labels,
  labels: Labels,
});
const Quantity = z.union([z.string(), z.number()]).transform(String);
const Quantities = z.record(z.string(), Quantity).default({});
const bytesOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : quantity(text);
const Modes = z.object({
  accessModes: z.array(z.string()).default([]),
  volumeMode: z.string().default('Filesystem'),
});

/** The fields that we keep of each kind of object, named as in the kind's own documentation. */
export const Named = z
  .object({ metadata: Metadata })
  .transform(({ metadata: { name, namespace } }) => ({ name, namespace }));
export type Named = z.infer<typeof Named>;

/** Fields of KubeVirt v1.8.0, instancetype.kubevirt.io/v1beta1. */
export const InstanceType = z
  .object({
    metadata: Metadata,
    spec: z
      .object({
        cpu: z.object({ guest: z.number().default(0), model: z.string().optional() }).prefault({}),
        memory: z.object({ guest: Quantity.default('0') }).prefault({}),
        nodeSelector: z.record(z.string(), z.string()).optional(),
      })
      .prefault({}),
  })
  .transform(({ metadata: { name, namespace }, spec: { cpu, memory, nodeSelector } }) => ({
    name,
    namespace,
    cpus: cpu.guest,
    memoryBytes: bytesOf(memory.guest) ?? 0,
    /** Undefined if the VM may set it. */
    cpuModel: cpu.model,
    nodeSelector,
  }));
export type InstanceType = z.infer<typeof InstanceType>;

export const Namespace = z
  .object({
    metadata: Metadata,
    status: z.object({ phase: z.string().default('Active') }).prefault({}),
  })
  .transform(({ metadata: { name, labels }, status }) => ({
    name,
    isEnding: status.phase === 'Terminating',
    /** What pods may do there: https://kubernetes.io/docs/concepts/security/pod-security-admission/#pod-security-admission-labels-for-namespaces */
    podSecurity: labels['pod-security.kubernetes.io/enforce'],
  }));
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
    /** KubeVirt's default for disks of VMs. */
    isDefaultForVms: annotations['storageclass.kubevirt.io/is-default-virt-class'] === 'true',
  }));
export type StorageClass = z.infer<typeof StorageClass>;

/** CDI's profile of the storage class of the same name. */
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
  .transform(({ metadata: { name, annotations }, status }) => ({
    name,
    ...status,
    /** Smaller claims are enlarged to this: containerized-data-importer, doc/storageprofile.md, "minimum supported PVC size". */
    minimumBytes: bytesOf(annotations['cdi.kubevirt.io/minimumSupportedPvcSize']),
  }));
export type StorageProfile = z.infer<typeof StorageProfile>;

export const SnapshotClass = z
  .object({ metadata: Metadata, driver: z.string(), deletionPolicy: z.string() })
  .transform(({ metadata: { name }, ...rest }) => ({ name, ...rest }));
export type SnapshotClass = z.infer<typeof SnapshotClass>;

/** `used` is the last count of the quota's controller. */
export const Quota = z
  .object({
    metadata: Metadata,
    spec: z
      .object({ scopes: z.array(z.string()).default([]), scopeSelector: z.unknown().optional() })
      .prefault({}),
    status: z.object({ hard: Quantities, used: Quantities }).prefault({}),
  })
  .transform(({ metadata: { name, namespace }, spec, status: { hard, used } }) => ({
    name,
    namespace,
    hard,
    used,
    /** It counts only some pods, and never storage. */
    isScoped: spec.scopes.length > 0 || spec.scopeSelector !== undefined,
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
    labels,
    isReady: conditions.some(({ type, status }) => type === 'Ready' && status === 'True'),
    /** KubeVirt labels nodes where its handler is alive. */
    takesVms: labels['kubevirt.io/schedulable'] === 'true' && !spec.unschedulable,
    /** Total for all pods of the node, without subtracting their requests. */
    allocatable: {
      cores: quantity(allocatable['cpu'] ?? '0') ?? 0,
      memoryBytes: quantity(allocatable['memory'] ?? '0') ?? 0,
      pods: quantity(allocatable['pods'] ?? '0') ?? 0,
    },
  }));
export type Node = z.infer<typeof Node>;

const NetworkOfVm = z.object({
  name: z.string(),
  multus: z.object({ networkName: z.string() }).optional(),
});
const TemplateOfVm = z.object({
  spec: z
    .object({
      domain: z
        .object({
          devices: z
            .object({
              interfaces: z
                .array(z.object({ name: z.string(), macAddress: z.string().optional() }))
                .default([]),
            })
            .prefault({}),
        })
        .prefault({}),
      networks: z.array(NetworkOfVm).default([]),
    })
    .prefault({}),
});

export const VirtualMachine = z
  .object({
    metadata: Metadata,
    spec: z.object({
      runStrategy: z.string().optional(),
      running: z.boolean().optional(),
      template: TemplateOfVm.prefault({}),
    }),
    status: z.object({ printableStatus: z.string().default('Unknown') }).prefault({}),
  })
  .transform(({ metadata: { name, namespace, labels }, spec, status }) => ({
    name,
    namespace,
    labels,
    // `running` is the predecessor of `runStrategy`; a VM has one of the two.
    runStrategy: spec.runStrategy ?? (spec.running === true ? 'Always' : 'Halted'),
    status: status.printableStatus,
    nics: nicsOf(spec.template, namespace),
  }));
export type VirtualMachine = z.infer<typeof VirtualMachine>;

export const KubeVirt = z
  .object({
    metadata: Metadata,
    spec: z
      .object({
        configuration: z
          .object({
            developerConfiguration: z
              .object({
                featureGates: z.array(z.string()).default([]),
                cpuAllocationRatio: z.number().optional(),
              })
              .prefault({}),
            vmStateStorageClass: z.string().optional(),
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
    /** Number of guest CPUs per CPU of a node; undefined for KubeVirt's default. */
    cpuAllocationRatio: spec.configuration.developerConfiguration.cpuAllocationRatio,
    /** Storage class for the state of TPMs; undefined for the default class. */
    vmStateStorageClass: spec.configuration.vmStateStorageClass || undefined,
  }));
export type KubeVirt = z.infer<typeof KubeVirt>;

/** Lists NICs with MAC addresses on shared networks. Pod networks are excluded, because each pod has its own. */
function nicsOf(
  { spec }: z.infer<typeof TemplateOfVm>,
  namespace: string,
): readonly { readonly network: string; readonly mac: string }[] {
  return spec.domain.devices.interfaces.flatMap(({ name, macAddress }) => {
    const network = spec.networks.find((each) => each.name === name)?.multus?.networkName;
    if (macAddress === undefined || network === undefined) return [];
    return [
      { network: network.includes('/') ? network : `${namespace}/${network}`, mac: macAddress.toLowerCase() },
    ];
  });
}

export const Network = z
  .object({ metadata: Metadata })
  .transform(({ metadata: { name, namespace, annotations } }) => ({
    name,
    namespace,
    /** Resource that a pod requests from its node to be connected, such as a virtual function. */
    resourceName: annotations['k8s.v1.cni.cncf.io/resourceName'],
  }));
export type Network = z.infer<typeof Network>;

const Storage = z.object({ storage: Quantity.optional() }).prefault({});

export const Claim = z
  .object({
    metadata: Metadata,
    spec: z.object({
      ...Modes.shape,
      storageClassName: z.string().optional(),
      resources: z.object({ requests: Storage }).prefault({}),
    }),
    status: z.object({ phase: z.string().default('Pending') }).prefault({}),
  })
  .transform(({ metadata: { name, namespace, labels }, spec, status }) => ({
    name,
    namespace,
    labels,
    storageClass: spec.storageClassName,
    accessModes: spec.accessModes,
    volumeMode: spec.volumeMode,
    requestedBytes: bytesOf(spec.resources.requests.storage) ?? 0,
    phase: status.phase,
  }));
export type Claim = z.infer<typeof Claim>;

/** A volume that a claim can bind to. The others are not kept, because a cluster has many. */
export const FreeVolume = z
  .object({
    metadata: Metadata,
    spec: z.object({
      ...Modes.shape,
      capacity: Storage,
      storageClassName: z.string().default(''),
      claimRef: z.unknown().optional(),
    }),
    status: z.object({ phase: z.string().default('Pending') }).prefault({}),
  })
  .transform(({ metadata: { name }, spec, status }) =>
    status.phase !== 'Available' || spec.claimRef !== undefined
      ? undefined
      : {
          name,
          storageClass: spec.storageClassName,
          accessModes: spec.accessModes,
          volumeMode: spec.volumeMode,
          bytes: bytesOf(spec.capacity.storage) ?? 0,
        },
  );
export type FreeVolume = NonNullable<z.infer<typeof FreeVolume>>;

/** Shares of a volume that its file system takes, by CDI's settings: containerized-data-importer, doc/cdi-config.md. */
export const CdiConfig = z
  .object({
    metadata: Metadata,
    status: z
      .object({
        filesystemOverhead: z
          .object({
            global: z.string().optional(),
            storageClass: z.record(z.string(), z.string()).default({}),
          })
          .prefault({}),
      })
      .prefault({}),
  })
  .transform(({ metadata: { name }, status: { filesystemOverhead } }) => ({
    name,
    overhead: partOf(filesystemOverhead.global),
    overheadOf: new Map(
      Object.entries(filesystemOverhead.storageClass).flatMap(([storageClass, text]) => {
        const part = partOf(text);
        return part === undefined ? [] : [[storageClass, part] as const];
      }),
    ) as ReadonlyMap<string, number>,
  }));
export type CdiConfig = z.infer<typeof CdiConfig>;

function partOf(text: string | undefined): number | undefined {
  const part = Number(text ?? Number.NaN);
  return part >= 0 && part < 1 ? part : undefined;
}

/** Address range of services: https://kubernetes.io/docs/reference/networking/virtual-ips/#ip-address-objects */
export const ServiceRange = z
  .object({ metadata: Metadata, spec: z.object({ cidrs: z.array(z.string()).default([]) }) })
  .transform(({ metadata: { name }, spec: { cidrs } }) => ({ name, cidrs }));
export type ServiceRange = z.infer<typeof ServiceRange>;
