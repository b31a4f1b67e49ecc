import type { Resource, StepResult } from '@ledgerlift/contracts';
import { storedEvent } from '@ledgerlift/testing';

/** A request for the step Initialize, as the log would have stored it. */
export const stepRequested = (stream: string, attempt = 1) =>
  storedEvent(
    'StepRequested',
    { step: 'Initialize', attempt, service: 'transfer', site: 'local' },
    { stream },
  );

export const initialized: StepResult = { step: 'Initialize', powerState: 'off', fingerprint: 'f' };

export const disk = (name: string): Resource => ({
  kind: 'disk',
  name,
  service: 'transfer',
  lifetime: 'result',
});
