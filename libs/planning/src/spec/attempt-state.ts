import type { AttemptState } from '@ledgerlift/migration';

/** The first attempt of a step, just claimed by a worker, with the given changes. */
export const attemptState = (of: Pick<AttemptState, 'step'> & Partial<AttemptState>): AttemptState => ({
  attempt: 1,
  number: 1,
  at: 1,
  service: 'transfer',
  site: 'local',
  hook: undefined,
  status: 'started',
  worker: 'w1',
  lastReport: 0,
  requestedAt: '2026-11-23T12:00:00.000Z',
  startedAt: '2026-11-23T12:00:01.000Z',
  endedAt: undefined,
  error: undefined,
  hadNoEffect: false,
  release: [],
  folded: { count: 0, startedAt: undefined },
  ...of,
});

/** A start of the target that was claimed, and that may have had its effect. */
export const targetLetGo = (at: number): AttemptState =>
  attemptState({
    step: 'FinalPowerActions',
    number: 9,
    at,
    service: 'vm-creator',
    status: 'failed',
    lastReport: 1,
    requestedAt: '',
    startedAt: '2026-11-23T12:00:00.000Z',
  });
