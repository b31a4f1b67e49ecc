import {
  type DomainEvent,
  type EventType,
  LedgerliftError,
  eventSchemas,
  upcast,
} from '@ledgerlift/contracts';
import type { StoredEvent } from '@ledgerlift/event-log';

/** The log holds an event of a type or version that this planner does not know: run the version that wrote it. */
export class UnknownEvent extends LedgerliftError {
  readonly code = 'LL-PLN-001';
  constructor(readonly event: StoredEvent) {
    super(
      `event ${event.id} in ${event.stream} is ${event.type} version ${event.version}, which this planner cannot read; ` +
        'run the planner version that wrote it, or a newer one',
    );
  }
}

const isEventType = (type: string): type is EventType => Object.hasOwn(eventSchemas, type);

/**
 * The stored event as the deciders know it. Its data was validated when it was appended and is protected by the
 * hash chain, so it is not validated again: a restart reads hundreds of thousands of them.
 *
 * @throws UnknownEvent
 */
export function domainEvent(event: StoredEvent): DomainEvent {
  if (!isEventType(event.type)) throw new UnknownEvent(event);
  const { version } = eventSchemas[event.type];
  if (event.version > version) throw new UnknownEvent(event);
  return { type: event.type, data: upcast(event.type, event.version, version, event.data) } as DomainEvent;
}
