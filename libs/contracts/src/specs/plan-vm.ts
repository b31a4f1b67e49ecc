import { z } from 'zod';
import { machineChoices } from './machine.js';
import { Dns1123Label, SecretRef } from './provider.js';

export const TargetPowerState = z.enum(['on', 'off', 'auto']);

const LuksUuid = z
  .string()
  .regex(
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    'must be the UUID of a LUKS device, as `blkid` tells it',
  );

/** How the encrypted disks of a Linux guest are opened for its conversion. */
export const LuksSettings = z.strictObject({
  /** Each file of the secret is named by the UUID of a LUKS device and holds its passphrase. */
  secret: SecretRef.optional(),
  /** LUKS devices, by their UUIDs, that the Clevis servers open to which they are bound; these must be in reach. */
  clevis: z.array(LuksUuid).max(50).default([]),
});
export type LuksSettings = z.infer<typeof LuksSettings>;

/** What may be said of one VM, and of all that a selector means, otherwise than the plan says. */
export const vmChoices = {
  targetPowerState: TargetPowerState.optional(),
  /** Device that virt-v2v takes as root, such as `/dev/sda1`; else the first root found. */
  rootDisk: z.string().min(1).optional(),
  /** Of an OVF package with several deployment configurations: the one to migrate, by its id; else the package's default. */
  configuration: z.string().min(1).max(1000).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  targetNamespace: Dns1123Label.optional(),
  wave: z.int().min(1).max(1000).optional(),
  priority: z.int().min(0).max(100).optional(),
  /** Otherwise than the plan says. */
  preserveStaticIps: z.boolean().optional(),
  luks: LuksSettings.optional(),
  /** Of a Windows guest with a TPM: its recovery key is at hand, for the target's TPM is empty. */
  recoveryKeyHeld: z.boolean().optional(),
  waitForGuestAgent: z.boolean().optional(),
  ...machineChoices,
  /** Warm: when this VM is cut over, whatever the plan's policy is. */
  cutoverAt: z.iso.datetime().optional(),
};

/** The migration that succeeded with the disks, and whose VM over them is not wanted any more; without this word they are its. */
const takenFrom = z.string().min(1).optional();

/**
 * Where the disks of a VM lie that is only converted, and whose disks another tool has brought: by their paths, relative
 * to the target's root and in the order of the VM's disks, or by labels, which stand beside each in `<file>.labels.json`.
 */
export const BroughtDisks = z.union([
  z.strictObject({ files: z.array(z.string().min(1)).min(1).max(1000), takenFrom }),
  z.strictObject({ labels: z.record(z.string(), z.string()), takenFrom }),
]);
export type BroughtDisks = z.infer<typeof BroughtDisks>;

export const PlanVm = z.strictObject({
  /** Id or name in the source's inventory; a name that is not unique is a Critical condition. */
  ref: z.string().min(1),
  targetName: Dns1123Label.optional(),
  /** Conversion only; without it, what is labelled with `vmID`, the VM's id at the source. */
  disks: BroughtDisks.optional(),
  ...vmChoices,
});
export type PlanVm = z.infer<typeof PlanVm>;
