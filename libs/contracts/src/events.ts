import { z } from 'zod';
import { catalogEvents, plannerEvents } from './events/catalog.js';
import { runEvents, scheduleEvents } from './events/run.js';
import { vmEvents } from './events/vm.js';

export * from './events/record.js';
export { EndingStep, Forecast, LaterCleanup, Outcome } from './events/vm.js';

/**
 * Every event of the log, by type. The key is the event's type, in the past tense; `version` grows when the shape of `data`
 * changes, and `upcast` then converts older ones. Events are defined only in the files under `events/`.
 */
export const eventSchemas = {
  ...catalogEvents,
  ...plannerEvents,
  ...runEvents,
  ...scheduleEvents,
  ...vmEvents,
} as const satisfies Record<string, { readonly version: number; readonly data: z.ZodType }>;

export type EventType = keyof typeof eventSchemas;
export type EventData<T extends EventType> = z.infer<(typeof eventSchemas)[T]['data']>;
/** An event's type and content, before it is in the log. Deciders return these. */
export type DomainEvent = { [T in EventType]: { readonly type: T; readonly data: EventData<T> } }[EventType];
export type EventOf<T extends EventType> = Extract<DomainEvent, { type: T }>;

export const Actor = z.object({
  kind: z.enum(['user', 'system', 'service']),
  name: z.string().min(1),
  authenticatedBy: z.string().min(1),
});
export type Actor = z.infer<typeof Actor>;
