import { randomUUID } from 'node:crypto';
import type { NewEvent } from '../port.js';

/** Events that say nothing but their number, for tests. */
export function newEvents(count: number, change: Partial<NewEvent> = {}): readonly NewEvent[] {
  return Array.from({ length: count }, (_, number) => ({
    id: randomUUID(),
    type: 'SomethingHappened',
    version: 1,
    time: '2026-11-23T12:00:00.000Z',
    data: { number },
    correlationId: 'test',
    causationId: 'test',
    actor: { kind: 'system', name: 'test', authenticatedBy: 'process' },
    ...change,
  }));
}
