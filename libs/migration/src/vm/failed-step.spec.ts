import { describe, expect, it } from '@jest/globals';
import { HookSpec, VmSettings } from '@ledgerlift/contracts';
import { noRoot, noon, record, itinerary } from '../spec/fixtures.js';
import { History } from '../spec/vm-specification.js';
import { failedStep } from './failed-step.js';

const hooks = [HookSpec.parse({ name: 'alarm', at: 'failure', run: { kind: 'command', command: 'x' } })];
const begun = History.empty
  .after({
    kind: 'plan',
    record: { ...record, settings: VmSettings.parse({ hooks, retry: { maxRetries: 0 } }) },
    itinerary,
  })
  .after({ kind: 'admit', at: noon });
const failed = begun.fails('Initialize', noRoot);

describe('what a migration failed of', () => {
  it('is nothing while it goes on', () => {
    expect(failedStep(begun.live)).toBeUndefined();
  });

  it('is the step, and what it said, while its hook on failure runs', () => {
    expect(failed.live.phase).toBe('cleaning');
    expect(failedStep(failed.live)).toEqual({ step: 'Initialize', error: noRoot });
  });

  it('stays so when the hook fails, too', () => {
    const { live } = failed.fails('FailureHook', { ...noRoot, code: 'LL-TRF-011' });
    expect(failedStep(live)).toEqual({ step: 'Initialize', error: noRoot });
  });

  it('is nothing after a cancel', () => {
    const canceled = begun.after({ kind: 'cancel', reason: 'x' });
    expect(failedStep(canceled.live)).toBeUndefined();
  });
});
