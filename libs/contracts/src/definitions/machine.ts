import { z } from 'zod';
import { Affinity, NodeSelector, Toleration } from './scheduling.js';

/** The placeholders of each kind of name template. Counters start at 0. */
export const namePlaceholders = {
  claim: ['vm', 'target', 'plan', 'id', 'disk'],
  volume: ['claim', 'disk'],
  network: ['network', 'namespace', 'type', 'nic'],
} as const;
export type NameKind = keyof typeof namePlaceholders;

/** The most characters outside placeholders: names are cut to make room, and some of each must remain. */
const MOST_TEXT = 40;

/** The placeholder that makes names of one VM unique, whatever the others contain. */
const COUNTERS = { claim: 'disk', volume: 'disk', network: 'nic' } as const;

/** A name with placeholders such as `{target}-disk-{disk}`: see ADR 26. */
const nameTemplate = (kind: NameKind) =>
  z
    .string()
    .min(1)
    .max(200)
    .superRefine((template, context) => {
      const fault = faultOf(kind, template);
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
    });

export const ClaimNameTemplate = nameTemplate('claim');
export const VolumeNameTemplate = nameTemplate('volume');
export const NetworkNameTemplate = nameTemplate('network');

function faultOf(kind: NameKind, template: string): string | undefined {
  const known: readonly string[] = namePlaceholders[kind];
  const listed = known.map((name) => `{${name}}`).join(', ');
  if (template.includes('{{'))
    return `must use the placeholders ${listed}; {{...}} is Forklift's syntax, and names are cut to fit without trunc`;
  const used = [...template.matchAll(/\{([^{}]*)\}/g)].map(([, name = '']) => name);
  const unknown = used.find((name) => !known.includes(name));
  if (unknown !== undefined) return `has the unknown placeholder {${unknown}}; use ${listed}`;
  const twice = used.find((name, index) => used.indexOf(name) !== index);
  if (twice !== undefined) return `has {${twice}} twice`;
  const text = template.replace(/\{[^{}]*\}/g, '');
  if (!/^[-a-z0-9]*$/.test(text))
    return 'must have lower case letters, digits and - only, besides its placeholders';
  if (text.length > MOST_TEXT)
    return `must have at most ${MOST_TEXT} characters besides its placeholders: it has ${text.length}`;
  if (/^-|-$/.test(template)) return 'must begin and end with a letter, a digit or a placeholder';
  // All claims of a VM have different names already.
  if (kind === 'volume' && used.includes('claim') && !used.includes('disk')) return undefined;
  // A counter that is separated from digits and other names keeps the results unique.
  const counter = `{${COUNTERS[kind]}}`;
  const isApart = template.startsWith(counter)
    ? /^([-a-z]|$)/.test(template.slice(counter.length))
    : template.endsWith(counter) && /[-a-z]$/.test(template.slice(0, -counter.length));
  return isApart
    ? undefined
    : `must begin or end with ${counter}, with a letter or - beside it, such as \`${EXAMPLES[kind]}\``;
}

const EXAMPLES = {
  claim: '{target}-disk-{disk}',
  volume: '{claim}-{disk}',
  network: '{network}-{nic}',
} as const;

/** Kubernetes limits all annotations of an object to 256 KiB together, and some of them are ours. */
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

/** Name of an instance type or preference, such as `u1.medium`: an RFC 1123 subdomain. */
const ObjectName = z
  .string()
  .max(253)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    'must be a Kubernetes name: lower case letters, digits, - and .',
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

/**
 * Settings of the target VM, for a plan or to override it for one VM. Defaults: as at the source, or KubeVirt's
 * choice.
 */
export const machineChoices = {
  /** Annotations of the VM. */
  annotations: Annotations.optional(),
  targetNodeSelector: NodeSelector.optional(),
  targetAffinity: Affinity.optional(),
  targetTolerations: z.array(Toleration).max(100).optional(),
  /** Its CPU and memory replace those of the source. */
  instanceType: InstanceType.optional(),
  preference: Preference.optional(),
  /** Whether the guest may run VMs itself; by default as at the source. */
  nestedVirtualization: z.boolean().optional(),
  /**
   * `host-model`, `host-passthrough`, or a model of libvirt such as `Cascadelake-Server`; by default KubeVirt's
   * choice.
   */
  cpuModel: z
    .string()
    .max(100)
    .regex(
      /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/,
      'must be the name of a CPU model, such as `host-model`',
    )
    .optional(),
  /** Names of the claims; by default `{target}-disk-{disk}`. */
  pvcNameTemplate: ClaimNameTemplate.optional(),
  /** Names of the VM's disks; by default `disk-{disk}`. */
  volumeNameTemplate: VolumeNameTemplate.optional(),
  /** Names of the VM's NICs; by default `net-{nic}`. */
  networkNameTemplate: NetworkNameTemplate.optional(),
};

/** The settings as resolved and recorded for one VM. */
export const MachineSettings = z.object(machineChoices);
export type MachineSettings = z.infer<typeof MachineSettings>;
