import type { Resource, StepResult } from '@ledgerlift/contracts';
import type { StoredEventLike } from '@ledgerlift/messaging';
import { v7 as uuid } from 'uuid';

let position = 0;

/** A request for the step Initialize, as the log would have stored it. */
export function stepRequested(stream: string, attempt = 1): StoredEventLike {
  position += 1;
  return {
    id: uuid(),
    type: 'StepRequested',
    version: 1,
    stream,
    revision: position,
    position: String(position),
    time: new Date().toISOString(),
    correlationId: 'correlation',
    causationId: 'cause',
    actor: { kind: 'system', name: 'planner', authenticatedBy: 'process' },
    hash: 'hash',
    data: { step: 'Initialize', attempt, service: 'transfer', site: 'local' },
  };
}

export const initialized: StepResult = { step: 'Initialize', powerState: 'off', fingerprint: 'f' };

export const disk = (name: string): Resource => ({
  kind: 'disk',
  name,
  service: 'transfer',
  lifetime: 'result',
});
