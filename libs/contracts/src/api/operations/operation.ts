import { z } from 'zod';
import { Ref } from '../error.js';

export interface ApiOperation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/v1`; `:name` is a field of `params`. */
  readonly path: `/${string}`;
  readonly summary: string;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  /** Absent: the operation takes no body. */
  readonly body?: z.ZodType;
  /** HTTP status of a success. */
  readonly status: 200 | 201 | 204;
  readonly out: z.ZodType;
  /** REST answers only the field `text` of the result. */
  readonly plainText?: true;
}

export const none = z.strictObject({});
export const provider = z.strictObject({ provider: Ref });
export const mapping = z.strictObject({ mapping: Ref });
export const plan = z.strictObject({ plan: Ref });
export const migration = z.strictObject({ migration: Ref });
export const vm = migration.extend({
  vm: z.coerce.number().pipe(z.int().min(0)).describe('Number of the VM in its migration'),
});
/** The result of an operation without one. */
export const empty = z.null();
