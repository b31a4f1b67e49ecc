import { type Actor, type DomainEvent, eventSchemas } from '@ledgerlift/contracts';
import type { EventLog, ExpectedRevision, StoredEvent } from '@ledgerlift/event-log';
import { v7 as uuidv7 } from 'uuid';

/** Who caused an event, and why: stored with every appended event, besides its data. */
export interface CommandContext {
  readonly actor: Actor;
  /** Id of the request, event or message that led to this. */
  readonly causationId: string;
  readonly correlationId: string;
  readonly traceparent?: string;
  /** `Idempotency-Key` and digest of the request, stored with the events that it led to. */
  readonly idempotencyKey?: string;
}

/** Appends decided events: gives each an id, time, version and context, and validates it against its schema. */
export interface EventWriter {
  append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly DomainEvent[],
    context: CommandContext,
  ): Promise<readonly StoredEvent[]>;
}

/** The only place that creates stored events. */
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
      // Parsing also drops fields that the schema does not have, so that nothing unexpected (such as a secret) enters the log.
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
