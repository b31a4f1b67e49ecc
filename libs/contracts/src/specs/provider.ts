import { z } from 'zod';

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
export const SecretRef = z.strictObject({ name: Dns1123Label });
export type SecretRef = z.infer<typeof SecretRef>;

export const AccessMode = z.enum(['ReadWriteOnce', 'ReadWriteMany', 'ReadOnlyMany']);
export const VolumeMode = z.enum(['Filesystem', 'Block']);

export const OvaSettings = z.strictObject({
  /** An .ova, an .ovf, or a folder of them, as the planner and the workers at the provider's sites see it. */
  path: z.string().min(1).startsWith('/', 'must be an absolute path'),
});

const Pem = z.string().includes('-----BEGIN CERTIFICATE-----');
const Thumbprint = z
  .string()
  .transform((hex) => hex.toUpperCase())
  .refine((hex) => /^([0-9A-F]{2}:){19}([0-9A-F]{2})$|^([0-9A-F]{2}:){31}([0-9A-F]{2})$/.test(hex), {
    message: 'must be a SHA-256 or SHA-1 fingerprint: 32 or 20 bytes in hex, with colons between',
  });
/** A single ESXi host that disks are read from directly, past its vCenter. Its secret has `user` and `password`. */
export const VsphereHost = z.strictObject({
  /** Name or id of the host in the inventory. */
  host: z.string().min(1),
  /** Where it is reached; none: at its name. */
  address: z.string().min(1).optional(),
  thumbprint: Thumbprint.optional(),
  secret: SecretRef,
});
/** A vCenter, or one ESXi host. The provider's secret has `user` and `password`. */
export const VsphereSettings = z.strictObject({
  /** The SOAP endpoint, such as `https://vcenter.example.com/sdk`. */
  url: z.url({ protocol: /^https$/ }),
  sdkEndpoint: z.enum(['vcenter', 'esxi']).default('vcenter'),
  /** Of the server's certificate, which must then be this one, whoever signed it. */
  thumbprint: Thumbprint.optional(),
  /** PEM of who signs the server's certificate; none: whom the system trusts. */
  caCertificate: Pem.optional(),
  /** Takes any certificate. Only for tests: whoever stands between reads the password. */
  insecureSkipVerify: z.boolean().default(false),
  vddk: z
    .strictObject({
      /** In the order in which VDDK tries them, such as `hotadd:nbdssl`. */
      transports: z
        .string()
        .regex(/^[a-z]+(:[a-z]+)*$/, 'must be names of transports with colons between')
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
  /** What the cluster that the manifests are meant for has. */
  networks: z.array(TargetNetwork).default([{ name: 'pod', type: 'pod', nicKinds: ['ethernet'] }]),
  storages: z
    .array(TargetStorage)
    .default([{ name: 'default', accessModes: ['ReadWriteOnce'], volumeModes: ['Filesystem'] }]),
});
export type DirectorySettings = z.infer<typeof DirectorySettings>;

/**
 * How a cluster is reached:
 *
 * - `in-cluster`: as the service account of the pod that asks. Needs no secret;
 * - `kubeconfig`: by the key `kubeconfig` of the provider's secret, in its current context or the one that is named;
 * - `token`: by the key `token` of the secret. Who signed the API server's certificate say the settings, else the secret's
 *   `ca.crt`, else the system. A secret of the type `kubernetes.io/service-account-token` has both keys.
 */
export const ClusterAccess = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('in-cluster') }),
  z.strictObject({ kind: z.literal('kubeconfig'), context: z.string().min(1).optional() }),
  z.strictObject({
    kind: z.literal('token'),
    /** Of the API server, such as `https://api.example.com:6443`. */
    url: z.url({ protocol: /^https$/ }),
    /** PEM. */
    caCertificate: Pem.optional(),
  }),
]);
export type ClusterAccess = z.infer<typeof ClusterAccess>;
/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
const Quantity = z
  .string()
  .regex(/^\d+(\.\d+)?([mkMGTP]|[KMGTP]i)?$/, 'must be a quantity of Kubernetes, such as 500m or 2Gi');
/** Part of an object of Kubernetes, as its API has it: the API server says what is wrong with it. */
const AsInKubernetes = z.record(z.string(), z.unknown());
/** The pods beside the claims of VMs, in which disks are copied and guests converted. One for each VM. */
export const WorkerPods = z.strictObject({
  /** With Ledgerlift's workers in the planner's version. */
  image: z.string().min(1),
  /** Names of secrets of the VM's namespace with which the image is pulled. */
  imagePullSecrets: z.array(Dns1123Label).default([]),
  /** NATS, as pods of the cluster reach it. It runs in operator mode: each pod gets a credential for its own VM alone. */
  natsUrl: z.url({ protocol: /^(nats|tls)$/ }),
  /** For what stands beside the disks until a migration has ended: overlays of a conversion, what must be unpacked first. */
  scratchStorageClass: Dns1123Label,
  serviceAccount: Dns1123Label.optional(),
  /** Of the pod's copying and converting together. */
  requests: z.strictObject({ cpu: Quantity.default('1'), memory: Quantity.default('2Gi') }).prefault({}),
  limits: z.strictObject({ cpu: Quantity.optional(), memory: Quantity.default('4Gi') }).prefault({}),
  nodeSelector: z.record(z.string(), z.string()).default({}),
  affinity: AsInKubernetes.optional(),
  tolerations: z.array(AsInKubernetes).default([]),
  /** A network attachment that pods read their sources over. */
  transferNetwork: z.strictObject({ namespace: Dns1123Label.optional(), name: Dns1123Label }).optional(),
  /** `emulated` needs no device of the node, and takes longer. */
  virtualization: z.enum(['kvm', 'emulated']).default('kvm'),
  /** What workers read besides, such as a share with OVAs, or VDDK: volumes as pods have them, read-only. */
  volumes: z
    .array(
      z.strictObject({
        mountPath: z.string().startsWith('/', 'must be an absolute path'),
        volume: AsInKubernetes,
      }),
    )
    .max(20)
    .default([]),
});
export type WorkerPods = z.infer<typeof WorkerPods>;
/** A Kubernetes cluster with KubeVirt. */
export const KubeVirtSettings = z.strictObject({
  access: ClusterAccess.default({ kind: 'in-cluster' }),
  /** Those that VMs may be migrated into: they are watched, and rights are needed in them. */
  namespaces: z.array(Dns1123Label).min(1).max(200),
  /** None: plans into the cluster are validated and rendered, and cannot start. */
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
/** The type of a provider that is no part of this product: a module that the setting LEDGERLIFT_EXTENSIONS names. */
export const ExtensionType = z.templateLiteral(['x-', z.string().regex(/^[a-z0-9-]+$/)]);
export type ExtensionType = z.infer<typeof ExtensionType>;
/** What LEDGERLIFT_EXTENSIONS names: modules by absolute paths or names of packages, with commas between. */
export const ExtensionModules = z
  .string()
  .transform((text) => text.split(',').map((module) => module.trim()))
  .pipe(z.array(z.string().min(1)));
export const ExtensionSpec = z.strictObject({
  ...providerBase,
  type: ExtensionType,
  /** What the extension makes of it, by a schema of its own. Secrets by reference, as everywhere. */
  settings: z.record(z.string(), z.unknown()),
});
export const ProviderSpec = z.union([BuiltInSpec, ExtensionSpec]);
export type ProviderSpec = z.infer<typeof ProviderSpec>;

export const isExtension = (type: string): type is ExtensionType => ExtensionType.safeParse(type).success;
