import { z } from 'zod';
import { Page } from './error.js';

export const RenderQuery = z.strictObject({
  ...Page.shape,
  /** Name or id at the source; without it, all VMs of the plan. */
  vm: z.string().min(1).optional(),
});

const side = {
  /** Absent, like the bytes of memory, if an instance type decides. */
  cpus: z.int().optional(),
  memoryBytes: z.int().optional(),
  /** Such as `efi, secure boot, TPM`. */
  firmware: z.string(),
  /** Family of the guest's operating system. */
  os: z.string(),
  diskBytes: z.array(z.int()),
  /** One for each NIC. */
  networks: z.array(z.string()),
};
/** A VM at the source and at the target, side by side. */
const Summary = z.object({
  source: z.object(side),
  target: z.object({
    ...side,
    claims: z.array(z.string()),
    instanceType: z.string().optional(),
  }),
});

/** A VM of a plan as it would be at the target, if the conversion of its guest succeeds. */
export const RenderedVm = z.object({
  sourceId: z.string(),
  name: z.string(),
  targetName: z.string(),
  targetNamespace: z.string(),
  /** Empty if something is `missing`. */
  files: z.array(z.object({ name: z.string(), content: z.string() })),
  /** Absent if something is `missing`. */
  summary: Summary.optional(),
  /** What is missing for a rendering, in words without a full stop. */
  missing: z.string().optional(),
});
export type RenderedVm = z.infer<typeof RenderedVm>;
