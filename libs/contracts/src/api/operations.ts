import { z } from 'zod';
import { eventsOperations } from './operations/events.js';
import { mappingsOperations } from './operations/mappings.js';
import { migrationsOperations } from './operations/migrations.js';
import { plansOperations } from './operations/plans.js';
import { providersOperations } from './operations/providers.js';
import { scheduleOperations } from './operations/schedule.js';
import { vmsOperations } from './operations/vms.js';
import type { ApiOperation } from './operations/operation.js';

export type { ApiOperation };

/**
 * Every operation of the public API. REST routes, NATS subjects, OpenAPI and AsyncAPI documents are made from this
 * table; the planner has one handler for each entry. A new operation is one line here and one handler there.
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
/** What a handler is given: parsed. */
export interface ApiInput<N extends ApiOperationName> {
  readonly params: z.infer<Operations[N]['params']>;
  readonly query: z.infer<Operations[N]['query']>;
  readonly body: Operations[N] extends { readonly body: infer B extends z.ZodType } ? z.infer<B> : undefined;
}
export type ApiOutput<N extends ApiOperationName> = z.infer<Operations[N]['out']>;

export const API_BASE = '/api/v1';

/** A request over NATS, on `subjects.api(resource, verb)`: what a REST request says in path, query, header and body. */
export const ApiNatsRequest = z.strictObject({
  params: z.record(z.string(), z.unknown()).default({}),
  query: z.record(z.string(), z.unknown()).default({}),
  body: z.unknown().optional(),
  /** Required where the REST operation is a POST. */
  idempotencyKey: z.string().optional(),
});
export type ApiNatsRequest = z.infer<typeof ApiNatsRequest>;
