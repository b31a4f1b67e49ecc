import type { Actor, DomainEvent } from '@ledgerlift/contracts';
import type { ExpectedRevision, StoredEvent } from '@ledgerlift/event-log';

/** Who asks, on whose behalf, and because of what: what every appended event carries besides its content. */
export interface CommandContext {
  readonly actor: Actor;
  /** The request, event or message that led to this; a new id where a person began it. */
  readonly causationId: string;
  readonly correlationId: string;
  readonly traceparent?: string;
  /** `Idempotency-Key` of the request, remembered on the events that it led to. */
  readonly idempotencyKey?: string;
}

/** Appends what deciders decided: gives each event id, time, version and context, and validates it with its schema. */
export interface EventWriter {
  append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly DomainEvent[],
    context: CommandContext,
  ): Promise<readonly StoredEvent[]>;
}

export const EVENT_WRITER = Symbol('EventWriter');
export const EVENT_LOG = Symbol('EventLog');
