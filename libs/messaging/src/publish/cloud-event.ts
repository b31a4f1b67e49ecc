import {
  API_BASE,
  type Actor,
  CloudEvent,
  cloudEventSource,
  cloudEventType,
  typeOfCloudEvent,
} from '@ledgerlift/contracts';
import type { z } from 'zod';
import { messageOf, PoisonMessage } from '../errors.js';

/** The parts of a stored event that the bus needs. Every adapter's stored event has them. */
export interface StoredEventLike {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly stream: string;
  readonly revision: number | bigint;
  /** The engine's position: opaque and ordered. */
  readonly position: string | number | bigint;
  readonly time: string | Date;
  readonly correlationId: string;
  readonly causationId: string;
  readonly actor: Actor;
  readonly traceparent?: string | undefined;
  readonly hash: string;
  readonly data: unknown;
}

/**
 * Converts an event of the log to CloudEvents 1.0.
 * @param installation DNS label of this Ledgerlift among others on the same NATS
 */
export function toCloudEvent(event: StoredEventLike, installation: string): CloudEvent {
  return CloudEvent.parse({
    specversion: '1.0',
    id: event.id,
    source: cloudEventSource(installation, event.stream),
    type: cloudEventType(event.type, event.version),
    subject: event.stream,
    time: event.time instanceof Date ? event.time.toISOString() : event.time,
    datacontenttype: 'application/json',
    ...(event.traceparent === undefined ? {} : { traceparent: event.traceparent }),
    correlationid: event.correlationId,
    causationid: event.causationId,
    actor: `${event.actor.kind}:${event.actor.name}`,
    revision: Number(event.revision),
    position: String(event.position),
    hash: event.hash,
    data: event.data,
  });
}

/** Replaces the event's data by its address (the claim check pattern). */
export function byReference({ data: _data, ...event }: CloudEvent): CloudEvent {
  return { ...event, dataref: `${API_BASE}/events/${event.subject}/${event.revision ?? 0}` };
}

export type ParsedEvent =
  | { readonly kind: 'event'; readonly event: CloudEvent; readonly type: string; readonly version: number }
  /** Of a newer version, for a newer program: leave it alone. */
  | { readonly kind: 'newer'; readonly type: string; readonly version: number }
  | { readonly kind: 'poison'; readonly error: PoisonMessage };

/**
 * Parses a message of the bus. Never throws: returns the problem of an unreadable one.
 * @param reads the newest version of each event type that the caller reads
 */
export function parseCloudEvent(bytes: Uint8Array, reads: Readonly<Record<string, number>>): ParsedEvent {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    return poison('LL-BUS-001', `the message is not JSON: ${messageOf(error)}`);
  }
  // The type is checked before the rest, because a newer version may use another envelope.
  const { type, version = 0 } = typeOfCloudEvent(typeOf(json)) ?? {};
  if (type !== undefined && !(version <= (reads[type] ?? 0))) return { kind: 'newer', type, version };
  const envelope = CloudEvent.safeParse(json);
  if (!envelope.success) {
    const { reason, field } = describeIssue(envelope.error);
    return poison('LL-BUS-002', `the message is no CloudEvent of ours: ${reason}`, field);
  }
  if (type === undefined) return poison('LL-BUS-002', 'the message is no CloudEvent of ours: it has no type');
  return { kind: 'event', event: envelope.data, type, version };
}

/** The first issue that a schema found. */
export function describeIssue(error: z.ZodError): { readonly reason: string; readonly field: string } {
  const [issue] = error.issues;
  const field = issue?.path.join('.') ?? '';
  return { reason: `${field === '' ? 'the whole' : field}: ${issue?.message ?? error.message}`, field };
}

function poison(code: 'LL-BUS-001' | 'LL-BUS-002', message: string, field?: string): ParsedEvent {
  return { kind: 'poison', error: new PoisonMessage(code, message, field) };
}

function typeOf(json: unknown): string {
  return typeof json === 'object' && json !== null && 'type' in json && typeof json.type === 'string'
    ? json.type
    : '';
}
