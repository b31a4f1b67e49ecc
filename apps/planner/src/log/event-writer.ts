import { type Actor, type DomainEvent, eventSchemas } from '@ledgerlift/contracts';
import type { EventLog, ExpectedRevision, StoredEvent } from '@ledgerlift/event-log';
import { v7 as uuidv7 } from 'uuid';

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

/** The one place where events are made: ids, time, version and context come from here, and the schema is checked. */
export class LogEventWriter implements EventWriter {
  constructor(
    private readonly log: EventLog,
    private readonly now: () => Date = () => new Date(),
  ) {}

  async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly DomainEvent[],
    context: CommandContext,
  ): Promise<readonly StoredEvent[]> {
    const time = this.now().toISOString();
    const { actor, causationId, correlationId, traceparent, idempotencyKey } = context;
    const made = events.map(({ type, data }) => ({
      id: uuidv7(),
      type,
      version: eventSchemas[type].version,
      time,
      // Parsing also drops what no schema knows, so that nothing unforeseen (a secret, say) enters the log.
      data: eventSchemas[type].data.parse(data),
      actor,
      causationId,
      correlationId,
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    }));
    const { events: stored } = await this.log.append(stream, made, expected);
    return stored;
  }
}
