import { z } from 'zod';
import { Page } from './request.js';

export const RenderQuery = z.strictObject({
  ...Page.shape,
  /** Name or id at the source; none: all VMs of the plan. */
  vm: z.string().min(1).optional(),
});

const side = {
  /** Left out where an instance type decides, as are bytes of memory. */
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
/** What a VM is, and what becomes of it, side by side. */
const Summary = z.object({
  source: z.object(side),
  target: z.object({
    ...side,
    claims: z.array(z.string()),
    instanceType: z.string().optional(),
  }),
});

/** A VM of a plan as the target would have it, if its guest's conversion succeeds. */
export const RenderedVm = z.object({
  sourceId: z.string(),
  name: z.string(),
  targetName: z.string(),
  targetNamespace: z.string(),
  /** Empty where `missing` says why. */
  files: z.array(z.object({ name: z.string(), content: z.string() })),
  /** Left out where `missing` says why. */
  summary: Summary.optional(),
  /** What must be known first, in words without a full stop. */
  missing: z.string().optional(),
});
export type RenderedVm = z.infer<typeof RenderedVm>;
