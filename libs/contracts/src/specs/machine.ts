import { z } from 'zod';
import { ClaimNameTemplate, NetworkNameTemplate, VolumeNameTemplate } from './name-templates.js';
import { Affinity, NodeSelector, Toleration } from './scheduling.js';

/** All annotations of an object together have at most 256 KiB, and some of them are ours. */
const MOST_ANNOTATIONS = 64 * 1024;
const Annotations = z
  .record(z.string().min(1), z.string())
  .refine(
    (all) =>
      Object.entries(all).reduce((sum, [key, value]) => sum + bytes(key + value), 0) <= MOST_ANNOTATIONS,
    {
      message: `must have at most ${MOST_ANNOTATIONS} bytes in all, keys and values`,
    },
  );
const bytes = (text: string): number => new TextEncoder().encode(text).length;

/** RFC 1123 subdomain: what Kubernetes allows as the name of instance types and preferences, such as `u1.medium`. */
const ObjectName = z
  .string()
  .max(253)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    'must be a name of Kubernetes: lower case letters, digits, - and .',
  );

export const InstanceType = z.strictObject({
  name: ObjectName,
  kind: z
    .enum(['VirtualMachineInstancetype', 'VirtualMachineClusterInstancetype'])
    .default('VirtualMachineClusterInstancetype'),
});
export type InstanceType = z.infer<typeof InstanceType>;

export const Preference = z.strictObject({
  name: ObjectName,
  kind: z
    .enum(['VirtualMachinePreference', 'VirtualMachineClusterPreference'])
    .default('VirtualMachineClusterPreference'),
});
export type Preference = z.infer<typeof Preference>;

/** What a plan may say of the target VM, and of one of its VMs otherwise. What is left out is as at the source, or KubeVirt's own choice. */
export const machineChoices = {
  /** Of the VM. */
  annotations: Annotations.optional(),
  targetNodeSelector: NodeSelector.optional(),
  targetAffinity: Affinity.optional(),
  targetTolerations: z.array(Toleration).max(100).optional(),
  /** Its CPU and memory take the place of the source's. */
  instanceType: InstanceType.optional(),
  preference: Preference.optional(),
  /** Whether the guest may run VMs itself; left out: as at the source. */
  nestedVirtualization: z.boolean().optional(),
  /** `host-model`, `host-passthrough`, or one that libvirt knows, such as `Cascadelake-Server`; left out: KubeVirt's default. */
  cpuModel: z
    .string()
    .max(100)
    .regex(
      /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/,
      'must be the name of a CPU model, such as `host-model`',
    )
    .optional(),
  /** Of the claims, such as `{target}-disk-{disk}`, which it is where it is left out. */
  pvcNameTemplate: ClaimNameTemplate.optional(),
  /** Of the VM's disks; left out: `disk-{disk}`. */
  volumeNameTemplate: VolumeNameTemplate.optional(),
  /** Of the VM's NICs; left out: `net-{nic}`. */
  networkNameTemplate: NetworkNameTemplate.optional(),
};

/** As it is resolved for one VM, and recorded. */
export const MachineSettings = z.object(machineChoices);
export type MachineSettings = z.infer<typeof MachineSettings>;
