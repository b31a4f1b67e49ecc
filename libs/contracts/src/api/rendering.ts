import { z } from 'zod';
import { Page } from './request.js';

export const RenderQuery = z.strictObject({
  ...Page.shape,
  /** Name or id at the source; none: all VMs of the plan. */
  vm: z.string().min(1).optional(),
});

/** A VM of a plan as the target would have it, if its guest's conversion succeeds. */
export const RenderedVm = z.object({
  sourceId: z.string(),
  name: z.string(),
  targetName: z.string(),
  targetNamespace: z.string(),
  /** Empty where `missing` says why. */
  files: z.array(z.object({ name: z.string(), content: z.string() })),
  /** What must be known first, in words without a full stop. */
  missing: z.string().optional(),
});
export type RenderedVm = z.infer<typeof RenderedVm>;
