import { z } from 'zod';
import { PowerState, SourceVm } from '../inventory.js';
import { machineChoices } from './machine.js';
import { Dns1123Label, SecretRef } from './provider.js';

export const TargetPowerState = z.enum(['on', 'off', 'auto']);

const LuksUuid = z
  .string()
  .regex(
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    'must be the UUID of a LUKS device, as `blkid` prints it',
  );

/** How to open the encrypted disks of a Linux guest for its conversion. */
export const LuksSettings = z.strictObject({
  /** Each key of the secret is the UUID of a LUKS device; its value is the passphrase. */
  secret: SecretRef.optional(),
  /** UUIDs of LUKS devices that Clevis opens with the servers to which they are bound, which must be reachable. */
  clevis: z.array(LuksUuid).max(50).default([]),
});
export type LuksSettings = z.infer<typeof LuksSettings>;

/** Settings that override the plan, for one VM or for all VMs of a selector. */
export const vmChoices = {
  targetPowerState: TargetPowerState.optional(),
  /** Device that virt-v2v takes as root, such as `/dev/sda1`; by default the first root found. */
  rootDisk: z.string().min(1).optional(),
  /**
   * Id of the deployment configuration to migrate, if the OVF package has several; by default the package's default.
   */
  configuration: z.string().min(1).max(1000).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  targetNamespace: Dns1123Label.optional(),
  wave: z.int().min(1).max(1000).optional(),
  priority: z.int().min(0).max(100).optional(),
  /** Overrides the plan. */
  preserveStaticIps: z.boolean().optional(),
  luks: LuksSettings.optional(),
  /** Confirms that the recovery key of a Windows guest with a TPM is at hand, because the target's TPM is empty. */
  recoveryKeyHeld: z.boolean().optional(),
  waitForGuestAgent: z.boolean().optional(),
  ...machineChoices,
  /** Warm: when this VM is cut over, whatever the plan's policy is. */
  cutoverAt: z.iso.datetime().optional(),
};

/**
 * The earlier migration that succeeded with the disks and whose VM is no longer wanted; otherwise that VM keeps them.
 */
const takenFrom = z.string().min(1).optional();

/**
 * Where another tool has put the disks of a VM that is only converted: paths relative to the target's root, in the order of
 * the VM's disks, or labels, which are beside each disk in `<file>.labels.json`.
 */
export const AdoptedDisks = z.union([
  z.strictObject({ files: z.array(z.string().min(1)).min(1).max(1000), takenFrom }),
  z.strictObject({ labels: z.record(z.string(), z.string()), takenFrom }),
]);
export type AdoptedDisks = z.infer<typeof AdoptedDisks>;

export const PlanVm = z.strictObject({
  /** Id or name in the source's inventory; a name that is not unique is a Critical condition. */
  ref: z.string().min(1),
  targetName: Dns1123Label.optional(),
  /** Conversion only; by default the disks with the label `vmID`, the VM's id at the source. */
  disks: AdoptedDisks.optional(),
  ...vmChoices,
});
export type PlanVm = z.infer<typeof PlanVm>;

/** Criteria for VMs. A VM must meet all of them. */
const criteria = {
  /** The folder and everything below it: its path in its datacenter, such as `/prod/web`, its whole path, or its id. */
  folder: z.string().min(1).max(1000).optional(),
  tag: z.string().min(1).optional(),
  /** A custom attribute: its name, or `name=value`. */
  attribute: z.string().min(1).optional(),
  /** A pattern of the name: `*` stands for any characters, `?` for one. Case counts, as it does in `ref`. */
  name: z.string().min(1).max(200).optional(),
  powerState: PowerState.optional(),
  /** Family of the guest's operating system. */
  os: SourceVm.shape.os.shape.family.optional(),
  /** By id, name or path, as the fields after it. An ambiguous name is refused. */
  host: z.string().min(1).optional(),
  cluster: z.string().min(1).optional(),
  datacenter: z.string().min(1).optional(),
  /** Id, name or path: a disk of the VM is on it. */
  storage: z.string().min(1).optional(),
  /** Id, name or path: a NIC of the VM is on it. */
  network: z.string().min(1).optional(),
  minDisks: z.int().min(0).optional(),
  maxDisks: z.int().min(0).optional(),
  /** Capacity of all disks of the VM together. */
  minBytes: z.int().min(0).optional(),
  maxBytes: z.int().min(0).optional(),
};

const count = (name: 'minDisks' | 'maxDisks' | 'minBytes' | 'maxBytes') =>
  z.coerce.number().pipe(criteria[name].unwrap()).optional();
/** The same criteria as the query of a request, where everything is text. */
export const VmCriteria = z.strictObject({
  ...criteria,
  minDisks: count('minDisks'),
  maxDisks: count('maxDisks'),
  minBytes: count('minBytes'),
  maxBytes: count('maxBytes'),
});

/** A query over the source's inventory: evaluated at each validation, and recorded at a start. */
export const Selector = z
  .strictObject({ ...criteria, ...vmChoices })
  .refine((selector) => Object.keys(criteria).some((key) => Object.hasOwn(selector, key)), {
    message: `must have a criterion: one of ${Object.keys(criteria).join(', ')}; name: '*' selects all VMs`,
  });
export type Selector = z.infer<typeof Selector>;
