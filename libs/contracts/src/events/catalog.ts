import { z } from 'zod';
import { MappingSpec, PlanSpec, ProviderSpec } from '../definitions.js';

/** On `provider-{id}`, `mapping-{id}` and `plan-{id}`: users' definitions. */
export const catalogEvents = {
  ProviderCreated: { version: 2, data: z.object({ providerId: z.string(), spec: ProviderSpec }) },
  ProviderUpdated: { version: 2, data: z.object({ providerId: z.string(), spec: ProviderSpec }) },
  ProviderDeleted: { version: 1, data: z.object({ providerId: z.string() }) },
  MappingCreated: { version: 1, data: z.object({ mappingId: z.string(), spec: MappingSpec }) },
  MappingUpdated: { version: 1, data: z.object({ mappingId: z.string(), spec: MappingSpec }) },
  MappingDeleted: { version: 1, data: z.object({ mappingId: z.string() }) },
  PlanCreated: { version: 4, data: z.object({ planId: z.string(), spec: PlanSpec }) },
  PlanUpdated: { version: 4, data: z.object({ planId: z.string(), spec: PlanSpec }) },
  PlanArchived: { version: 1, data: z.object({ planId: z.string() }) },
  PlanDeleted: { version: 1, data: z.object({ planId: z.string() }) },
} as const;

/** On `planner`: times without a leading planner, in which no request could be answered. */
export const plannerEvents = {
  /**
   * A planner leads again and has processed the waiting reports. Between the two times, no planner is known to have led and been
   * reachable, so time limits do not count that period.
   */
  PlannerReturned: {
    version: 1,
    data: z.object({
      /** The last moment at which a planner led, as the log or the planner itself shows. */
      lastLedAt: z.iso.datetime(),
      returnedAt: z.iso.datetime(),
      /** `start`: this process started; `bus`: NATS was not reachable; `stall`: the process did not run. */
      after: z.enum(['start', 'bus', 'stall']),
    }),
  },
  /** The planner shut down cleanly. */
  PlannerStopped: { version: 1, data: z.object({}) },
} as const;
