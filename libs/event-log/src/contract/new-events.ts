import { randomUUID } from 'node:crypto';
import type { NewEvent } from '../port.js';

/** Events with only a number, for tests. */
export function newEvents(count: number, change: Partial<NewEvent> = {}): readonly NewEvent[] {
  return Array.from({ length: count }, (_, number) => newEvent({ data: { number }, ...change }));
}

export function newEvent(change: Partial<NewEvent> = {}): NewEvent {
  return {
    id: uuidv7(),
    type: 'SomethingHappened',
    version: 1,
    time: '2026-11-23T12:00:00.000Z',
    data: null,
    correlationId: 'test',
    causationId: 'test',
    actor: { kind: 'system', name: 'test', authenticatedBy: 'process' },
    ...change,
  };
}

/** RFC 9562, 5.7: 48 bits of milliseconds, version, variant, and the rest random. */
function uuidv7(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
