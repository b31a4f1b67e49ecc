import { randomUUID } from 'node:crypto';

let position = 0;

/** An event as a log would have stored it, after every one that was made before. */
export function storedEvent<Data>(
  type: string,
  data: Data,
  { stream = 'vm-m1-0', version = 1 }: { readonly stream?: string; readonly version?: number } = {},
) {
  position += 1;
  return {
    id: randomUUID(),
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
  } as const;
}
