import { z } from 'zod';

/** RFC 1123 label, which Kubernetes requires for most names. */
export const Dns1123Label = z
  .string()
  .max(63)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    'must be a DNS-1123 label: lower case letters, digits and -, at most 63',
  );
export const Site = Dns1123Label;
/** A reference to a secret that each worker resolves at its own site; the secret itself is never stored. */
export const SecretRef = z.strictObject({ name: Dns1123Label });
export type SecretRef = z.infer<typeof SecretRef>;

export const AccessMode = z.enum(['ReadWriteOnce', 'ReadWriteMany', 'ReadOnlyMany']);
export const VolumeMode = z.enum(['Filesystem', 'Block']);

export const OvaSettings = z.strictObject({
  /**
   * An .ova, an .ovf, or a folder of them, at the same path for the planner and the workers at the provider's sites.
   */
  path: z.string().min(1).startsWith('/', 'must be an absolute path'),
});

const Pem = z.string().includes('-----BEGIN CERTIFICATE-----');
const Thumbprint = z
  .string()
  .transform((hex) => hex.toUpperCase())
  .refine((hex) => /^([0-9A-F]{2}:){19}([0-9A-F]{2})$|^([0-9A-F]{2}:){31}([0-9A-F]{2})$/.test(hex), {
    message: 'must be a SHA-256 or SHA-1 fingerprint: 32 or 20 bytes in hex, separated by colons',
  });
/** An ESXi host from which disks are read directly, without its vCenter. Its secret has `user` and `password`. */
export const VsphereHost = z.strictObject({
  /** Name or id of the host in the inventory. */
  host: z.string().min(1),
  /** Its address; by default its name. */
  address: z.string().min(1).optional(),
  thumbprint: Thumbprint.optional(),
  secret: SecretRef,
});
/** A vCenter, or one ESXi host. The provider's secret has `user` and `password`. */
export const VsphereSettings = z.strictObject({
  /** The SOAP endpoint, such as `https://vcenter.example.com/sdk`. */
  url: z.url({ protocol: /^https$/ }),
  sdkEndpoint: z.enum(['vcenter', 'esxi']).default('vcenter'),
  /** Fingerprint of the server's certificate, which is then pinned, regardless of who signed it. */
  thumbprint: Thumbprint.optional(),
  /** CA of the server's certificate, as PEM; by default the CAs that the system trusts. */
  caCertificate: Pem.optional(),
  /** Accepts any certificate. Only for tests: a man in the middle could read the password. */
  insecureSkipVerify: z.boolean().default(false),
  vddk: z
    .strictObject({
      /** In the order in which VDDK tries them, such as `hotadd:nbdssl`. */
      transports: z
        .string()
        .regex(/^[a-z]+(:[a-z]+)*$/, 'must be names of transports, separated by colons')
        .default('nbdssl:nbd'),
      compression: z.enum(['none', 'zlib', 'fastlz', 'skipz']).default('none'),
      /** Reads only the delta file of a chain, not its parents. */
      singleLink: z.boolean().default(false),
    })
    .prefault({}),
  hosts: z.array(VsphereHost).max(1000).default([]),
});
export type VsphereSettings = z.infer<typeof VsphereSettings>;
export const TargetNetwork = z.strictObject({
  name: z.string().min(1),
  type: z.enum(['pod', 'multus']),
  namespace: Dns1123Label.optional(),
  nicKinds: z.array(z.enum(['ethernet', 'sriov'])).default(['ethernet']),
});
export type TargetNetwork = z.infer<typeof TargetNetwork>;
export const TargetStorage = z.strictObject({
  name: Dns1123Label,
  accessModes: z.array(AccessMode).min(1).default(['ReadWriteOnce']),
  volumeModes: z.array(VolumeMode).min(1).default(['Filesystem']),
});
export type TargetStorage = z.infer<typeof TargetStorage>;
export const DirectorySettings = z.strictObject({
  path: z.string().min(1).startsWith('/', 'must be an absolute path'),
  diskFormat: z.enum(['raw', 'qcow2']).default('qcow2'),
  /** The networks of the cluster for which the manifests are made. */
  networks: z.array(TargetNetwork).default([{ name: 'pod', type: 'pod', nicKinds: ['ethernet'] }]),
  storages: z
    .array(TargetStorage)
    .default([{ name: 'default', accessModes: ['ReadWriteOnce'], volumeModes: ['Filesystem'] }]),
});
export type DirectorySettings = z.infer<typeof DirectorySettings>;

/**
 * How to reach a cluster:
 *
 * - `in-cluster`: as the service account of the calling pod. Needs no secret;
 * - `kubeconfig`: with the key `kubeconfig` of the provider's secret, in its current context or the named one;
 * - `token`: with the key `token` of the secret. The CA of the API server comes from the settings, else from the secret's
 *   `ca.crt`, else from the system. A secret of type `kubernetes.io/service-account-token` has both keys.
 */
export const ClusterAccess = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('in-cluster') }),
  z.strictObject({ kind: z.literal('kubeconfig'), context: z.string().min(1).optional() }),
  z.strictObject({
    kind: z.literal('token'),
    /** Address of the API server, such as `https://api.example.com:6443`. */
    url: z.url({ protocol: /^https$/ }),
    /** PEM. */
    caCertificate: Pem.optional(),
  }),
]);
export type ClusterAccess = z.infer<typeof ClusterAccess>;
/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
const Quantity = z
  .string()
  .regex(/^\d+(\.\d+)?([mkMGTP]|[KMGTP]i)?$/, 'must be a Kubernetes quantity, such as 500m or 2Gi');
/** Part of a Kubernetes object in the form of its API. The API server validates it. */
const AsInKubernetes = z.record(z.string(), z.unknown());
/** Environment variables that we set for each worker pod, and that users may not set. */
export const OWN_POD_SETTINGS = [
  'LEDGERLIFT_SITE',
  'LEDGERLIFT_NATS_URL',
  'LEDGERLIFT_NATS_CREDS',
  'LEDGERLIFT_SECRETS_DIR',
  'LEDGERLIFT_SLOTS',
  'LEDGERLIFT_BESIDE_DISKS',
  'LEDGERLIFT_SCRATCH',
  'LEDGERLIFT_HTTP_PORT',
] as const;
const PodSetting = z
  .string()
  .regex(/^LEDGERLIFT_[A-Z0-9_]+$/, 'must be a setting of the services, such as LEDGERLIFT_VDDK_DIR')
  .refine(
    (name) => !OWN_POD_SETTINGS.some((own) => own === name),
    'is set for each pod by Ledgerlift itself',
  );
const MountPath = z.string().startsWith('/', 'must be an absolute path');
/** Worker pods, one for each VM, which mount the VM's claims, copy its disks and convert its guest. */
export const WorkerPods = z.strictObject({
  /** Image of Ledgerlift's workers, in the planner's version. */
  image: z.string().min(1),
  /** Names of secrets in the VM's namespace to pull the image with. */
  imagePullSecrets: z.array(Dns1123Label).default([]),
  /**
   * Address of NATS for pods. NATS must run in operator mode, so that each pod gets a credential for its own VM only.
   */
  natsUrl: z.url({ protocol: /^(nats|tls)$/ }),
  /** Storage class of scratch data during a migration: overlays of a conversion, and unpacked disks. */
  scratchStorageClass: Dns1123Label,
  serviceAccount: Dns1123Label.optional(),
  /** Requests of the whole pod, for copying and converting. */
  requests: z.strictObject({ cpu: Quantity.default('1'), memory: Quantity.default('2Gi') }).prefault({}),
  limits: z.strictObject({ cpu: Quantity.optional(), memory: Quantity.default('4Gi') }).prefault({}),
  nodeSelector: z.record(z.string(), z.string()).default({}),
  affinity: AsInKubernetes.optional(),
  tolerations: z.array(AsInKubernetes).default([]),
  /** A network attachment over which pods read their sources. */
  transferNetwork: z.strictObject({ namespace: Dns1123Label.optional(), name: Dns1123Label }).optional(),
  /** `emulated` needs no KVM device on the node, but is slower. */
  virtualization: z.enum(['kvm', 'emulated']).default('kvm'),
  /** More volumes for workers to read, such as a share with OVAs, or VDDK: volumes of a pod, mounted read-only. */
  volumes: z
    .array(z.strictObject({ mountPath: MountPath, volume: AsInKubernetes }))
    .max(20)
    .default([]),
  /**
   * Images with tools that workers need but this product may not ship, such as VDDK. Each runs before the workers and fills an
   * empty folder at `mountPath`, which the workers mount at the same path, read-only.
   */
  toolImages: z
    .array(z.strictObject({ image: z.string().min(1), mountPath: MountPath }))
    .max(5)
    .default([]),
  /**
   * More settings of the workers in pods, such as LEDGERLIFT_VDDK_DIR. No secrets: every pod's specification shows
   * them.
   */
  settings: z.record(PodSetting, z.string()).default({}),
});
export type WorkerPods = z.infer<typeof WorkerPods>;
/** A Kubernetes cluster with KubeVirt. */
export const KubeVirtSettings = z.strictObject({
  access: ClusterAccess.default({ kind: 'in-cluster' }),
  /** Namespaces into which VMs may be migrated. They are watched, and Ledgerlift needs rights in them. */
  namespaces: z.array(Dns1123Label).min(1).max(200),
  /** Without it, plans into the cluster can be validated and rendered, but not started. */
  worker: WorkerPods.optional(),
});
export type KubeVirtSettings = z.infer<typeof KubeVirtSettings>;

const providerBase = {
  name: Dns1123Label,
  sites: z.array(Site).min(1).default(['local']),
  secret: SecretRef.optional(),
};
const BuiltInSpec = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ ...providerBase, type: z.literal('ova'), settings: OvaSettings }),
    z.strictObject({ ...providerBase, type: z.literal('vsphere'), settings: VsphereSettings }),
    z.strictObject({ ...providerBase, type: z.literal('directory'), settings: DirectorySettings }),
    z.strictObject({ ...providerBase, type: z.literal('kubevirt'), settings: KubeVirtSettings }),
  ],
  {
    error: ({ code }) =>
      code === 'invalid_union'
        ? "must be 'ova', 'vsphere', 'directory' or 'kubevirt', or the type of an extension, which begins with x-"
        : undefined,
  },
);
/** Type of a provider that is not built in, but comes from a module that LEDGERLIFT_EXTENSIONS names. */
export const ExtensionType = z.templateLiteral(['x-', z.string().regex(/^[a-z0-9-]+$/)]);
export type ExtensionType = z.infer<typeof ExtensionType>;
/** The value of LEDGERLIFT_EXTENSIONS: absolute paths of modules or names of packages, separated by commas. */
export const ExtensionModules = z
  .string()
  .transform((text) => text.split(',').map((module) => module.trim()))
  .pipe(z.array(z.string().min(1)));
export const ExtensionSpec = z.strictObject({
  ...providerBase,
  type: ExtensionType,
  /** Settings that the extension validates by its own schema. Secrets by reference, as everywhere. */
  settings: z.record(z.string(), z.unknown()),
});
export const ProviderSpec = z.union([BuiltInSpec, ExtensionSpec]);
export type ProviderSpec = z.infer<typeof ProviderSpec>;

export const isExtension = (type: string): type is ExtensionType => ExtensionType.safeParse(type).success;
