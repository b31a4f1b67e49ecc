import { z } from 'zod';
import { MappingSpec, PlanSpec, ProviderSpec } from '../specs.js';

/** On `provider-{id}`, `mapping-{id}` and `plan-{id}`: what users wrote. */
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
