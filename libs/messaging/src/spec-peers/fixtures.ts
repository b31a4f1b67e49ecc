import { v7 as uuid } from 'uuid';
import type { StoredEventLike } from '../publish/cloud-event.js';

let position = 0;

/** An event as a log would have stored it. */
export function storedEvent(
  type: string,
  data: unknown,
  { stream = 'vm-m1-0', version = 1 }: { readonly stream?: string; readonly version?: number } = {},
): StoredEventLike {
  position += 1;
  return {
    id: uuid(),
    type,
    version,
    stream,
    revision: position,
    position: String(position),
    time: new Date().toISOString(),
    correlationId: 'correlation',
    causationId: 'cause',
    actor: { kind: 'system', name: 'planner', authenticatedBy: 'process' },
    hash: 'hash',
    data,
  };
}
