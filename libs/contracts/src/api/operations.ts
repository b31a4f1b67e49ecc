import { z } from 'zod';
import { eventsOperations, migrationsOperations, scheduleOperations } from './operations/migrations.js';
import { mappingsOperations, providersOperations } from './operations/providers.js';
import { plansOperations } from './operations/plans.js';
import { vmsOperations } from './operations/vms.js';
import type { ApiOperation } from './operations/operation.js';

export type { ApiOperation };

/**
 * Every operation of the public API. REST routes, NATS subjects, and the OpenAPI and AsyncAPI documents are generated from
 * this table; the planner has one handler for each entry. A new operation is one line here and one handler there.
 */

export const apiOperations = {
  ...providersOperations,
  ...mappingsOperations,
  ...plansOperations,
  ...migrationsOperations,
  ...vmsOperations,
  ...scheduleOperations,
  ...eventsOperations,
} as const satisfies Record<`${string}.${string}`, ApiOperation>;

export type ApiOperationName = keyof typeof apiOperations;
type Operations = typeof apiOperations;
/** The parsed input of a handler. */
export interface ApiInput<N extends ApiOperationName> {
  readonly params: z.infer<Operations[N]['params']>;
  readonly query: z.infer<Operations[N]['query']>;
  readonly body: Operations[N] extends { readonly body: infer B extends z.ZodType } ? z.infer<B> : undefined;
}
export type ApiOutput<N extends ApiOperationName> = z.infer<Operations[N]['out']>;

export const API_BASE = '/api/v1';

/** A request over NATS, on `subjects.api(resource, verb)`, with the path, query, header and body of a REST request. */
export const ApiNatsRequest = z.strictObject({
  params: z.record(z.string(), z.unknown()).default({}),
  query: z.record(z.string(), z.unknown()).default({}),
  body: z.unknown().optional(),
  /** Required if the REST operation is a POST. */
  idempotencyKey: z.string().optional(),
});
export type ApiNatsRequest = z.infer<typeof ApiNatsRequest>;
