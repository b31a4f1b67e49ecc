import { z } from 'zod';

/** What requests say beside the specs: parameters, pages, reasons. */

/** Id or name of a provider, mapping or plan. */
export const Ref = z.string().min(1).max(128).describe('Id or name');
export const Reason = z.string().min(1).max(500);

export const Page = z.strictObject({
  offset: z.coerce.number().pipe(z.int().min(0)).default(0),
  limit: z.coerce.number().pipe(z.int().min(1).max(1000)).default(100),
});
export type Page = z.infer<typeof Page>;

export const pageOf = <S extends z.ZodType>(item: S) =>
  z.object({ items: z.array(item), total: z.int().min(0), offset: z.int().min(0) });
export interface PageOf<T> {
  readonly items: readonly T[];
  readonly total: number;
  readonly offset: number;
}

/** Opaque: any printable ASCII without spaces; a UUID is a good one. */
export const IdempotencyKey = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces');

export const ReasonBody = z.strictObject({ reason: Reason.optional() });
/** `at`: when; without it as soon as may be. */
export const CutoverBody = ReasonBody.extend({ at: z.iso.datetime().optional() });
/** `targetName`: the name of the VM at the target, so that nobody deletes the wrong one. */
export const DeleteTargetBody = ReasonBody.extend({ targetName: z.string().min(1).max(63) });
/** `cutoverAt`: due time of the one request that is approved; refused where another is scheduled by now. */
export const ApproveCutoverBody = ReasonBody.extend({ cutoverAt: z.iso.datetime().optional() });
/** What is approved: the start of the migration, or the cutover of its VMs. */
export const ApproveBody = ApproveCutoverBody.extend({ what: z.enum(['start', 'cutover']) });
export const HookAnswerBody = z.strictObject({
  hook: z.string().min(1).max(63),
  succeeded: z.boolean(),
  /** What the other system wants the history to say. */
  said: z.string().max(4096).default(''),
});
