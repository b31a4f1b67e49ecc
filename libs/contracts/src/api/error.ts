import { z } from 'zod';
import { Condition } from '../conditions.js';
import { CsvProblem } from './selection.js';

/** The body of every error response. */
export const ApiErrorBody = z.object({
  error: z.object({
    /** Stable: `LL-AREA-NNN`. */
    code: z.string(),
    message: z.string(),
    /** The invalid field, such as `vms[2].targetName`. */
    field: z.string().optional(),
    /** Why a plan does not start. */
    conditions: z.array(Condition).optional(),
    /** Problems with the rows of a CSV file. */
    rows: z.array(CsvProblem).optional(),
  }),
});
export type ApiErrorBody = z.infer<typeof ApiErrorBody>;

/** Parts of requests other than specs: parameters, pages, reasons. */

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
/** `at`: when to cut over; without it, as soon as possible. */
export const CutoverBody = ReasonBody.extend({ at: z.iso.datetime().optional() });
/** `targetName`: the VM's name at the target, as a confirmation, so that nobody deletes the wrong one. */
export const DeleteTargetBody = ReasonBody.extend({ targetName: z.string().min(1).max(63) });
/** `cutoverAt`: due time of the request to approve; refused if another is scheduled by now. */
export const ApproveCutoverBody = ReasonBody.extend({ cutoverAt: z.iso.datetime().optional() });
/** What is approved: the start of the migration, or the cutover of its VMs. */
export const ApproveBody = ApproveCutoverBody.extend({ what: z.enum(['start', 'cutover']) });
export const HookAnswerBody = z.strictObject({
  hook: z.string().min(1).max(63),
  succeeded: z.boolean(),
  /** The other system's text for the history. */
  said: z.string().max(4096).default(''),
});
