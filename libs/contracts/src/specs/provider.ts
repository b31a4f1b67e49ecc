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

export const AccessMode = z.enum(['ReadWriteOnce', 'ReadWriteMany', 'ReadOnlyMany']);
export const VolumeMode = z.enum(['Filesystem', 'Block']);

export const OvaSettings = z.strictObject({
  /** An .ova, an .ovf, or a folder of them, as the planner and the workers at the provider's sites see it. */
  path: z.string().min(1).startsWith('/', 'must be an absolute path'),
});
/** The lab: a small hypervisor of this repository, whose disks really change, for tests and for trying warm migrations. */
export const LabSettings = z.strictObject({ url: z.url({ protocol: /^https?$/ }) });
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

const providerBase = {
  name: Dns1123Label,
  sites: z.array(Site).min(1).default(['local']),
  secret: SecretRef.optional(),
};
export const ProviderSpec = z.discriminatedUnion('type', [
  z.strictObject({ ...providerBase, type: z.literal('ova'), settings: OvaSettings }),
  z.strictObject({ ...providerBase, type: z.literal('lab'), settings: LabSettings }),
  z.strictObject({ ...providerBase, type: z.literal('directory'), settings: DirectorySettings }),
]);
export type ProviderSpec = z.infer<typeof ProviderSpec>;
