import { z } from 'zod';
import { SourceVm } from '../inventory.js';
import {
  DirectorySettings,
  ExtensionType,
  KubeVirtSettings,
  MachineSettings,
  ProviderSpec,
  SecretRef,
  TargetPowerState,
  VmSettings,
} from '../definitions.js';

const targetBase = {
  providerId: z.string(),
  name: z.string(),
  /** Where users find the target, such as a folder's path: readable even if its provider no longer exists. */
  where: z.string().optional(),
  secret: SecretRef.optional(),
};
export const TargetRecord = z.union([
  z.object({ ...targetBase, type: z.literal('directory'), settings: DirectorySettings }),
  z.object({ ...targetBase, type: z.literal('kubevirt'), settings: KubeVirtSettings }),
  z.object({ ...targetBase, type: ExtensionType, settings: z.record(z.string(), z.unknown()) }),
]);
export type TargetRecord = z.infer<typeof TargetRecord>;

/** Network and storage as resolved at the start for one VM; `null` network: the NIC is left out. */
export const TargetNic = z.object({
  nicId: z.string(),
  mac: z.string().optional(),
  network: z
    .discriminatedUnion('type', [
      z.object({ type: z.literal('pod') }),
      z.object({ type: z.literal('multus'), name: z.string(), namespace: z.string().optional() }),
    ])
    .nullable(),
});
export const TargetDisk = z.object({
  diskId: z.string(),
  /** Path of the disk file relative to the target's root; in a cluster, the claim's namespace and name. */
  name: z.string(),
  pvcName: z.string(),
  storageClass: z.string(),
  accessMode: z.enum(['ReadWriteOnce', 'ReadWriteMany', 'ReadOnlyMany']),
  volumeMode: z.enum(['Filesystem', 'Block']),
  format: z.enum(['raw', 'qcow2']),
  /** How much larger than the disk its claim must be; by default a file system's usual overhead. */
  sizing: z
    .object({
      /** Part of a Filesystem volume that the file system itself takes. */
      overhead: z.number().min(0).lt(1),
      /** The smallest volume that the storage class makes. */
      minimumBytes: z.int().min(0),
    })
    .optional(),
  /** The user brought the disk: it is converted in place, outside the VM's folder, and never deleted. */
  adopted: z.literal(true).optional(),
});

/** Durations and rates of earlier migrations, or assumed ones until measured. Milliseconds, and bytes a second. */
export const Expected = z.object({
  shutdownMs: z.number().min(0),
  snapshotMs: z.number().min(0),
  bytesPerSecond: z.number().min(1),
  conversionMs: z.number().min(0),
  bootMs: z.number().min(0),
  /** The number of migrations measured; 0: the figures are assumed. */
  measured: z.int().min(0),
});
export type Expected = z.infer<typeof Expected>;

/** Everything that one VM's migration needs to know, as resolved at its start. */
export const VmRecord = z.object({
  installation: z.string(),
  migrationId: z.string(),
  planId: z.string(),
  planName: z.string(),
  index: z.int().min(0),
  /** Not a VM but a hook of the whole plan, with the plan's name as the VM's, and without disks (ADR 10). */
  standsFor: z.literal('plan').optional(),
  /** Warm: its cutover begins only after hooks of the whole plan. */
  cutoverAwaits: z.literal('plan-hooks').optional(),
  source: z.object({ provider: z.object({ id: z.string(), spec: ProviderSpec }), vm: SourceVm }),
  target: TargetRecord,
  targetName: z.string(),
  targetNamespace: z.string(),
  /** Folder of the VM relative to the target's root. */
  folder: z.string(),
  nics: z.array(TargetNic),
  disks: z.array(TargetDisk),
  labels: z.record(z.string(), z.string()),
  powerState: TargetPowerState,
  /** The plan's settings of the target VM, if any. */
  machine: MachineSettings.optional(),
  settings: VmSettings,
  /** Durations for the forecast, from earlier migrations if there were any. */
  expected: Expected.optional(),
  /** Name of the person who started the migration; counts as the requester of everything that its policies schedule. */
  startedBy: z.string().optional(),
  wave: z.int().min(1).optional(),
  priority: z.int().optional(),
});
export type VmRecord = z.infer<typeof VmRecord>;
