import { describe, expect, it } from '@jest/globals';
import { HookSpec, VmSettings } from '@ledgerlift/contracts';
import { noRoot, noon, record, itinerary } from '../spec/fixtures.js';
import { History } from '../spec/vm-specification.js';
import { failedStep } from './job.js';

const hooks = [HookSpec.parse({ name: 'alarm', at: 'failure', run: { kind: 'command', command: 'x' } })];
const begun = History.empty
  .after({
    kind: 'plan',
    record: { ...record, settings: VmSettings.parse({ hooks, retry: { maxRetries: 0 } }) },
    itinerary,
  })
  .after({ kind: 'admit', at: noon });
const failed = begun.fails('Initialize', noRoot);

describe('the failed step of a migration', () => {
  it('is undefined while the migration continues', () => {
    expect(failedStep(begun.live)).toBeUndefined();
  });

  it('is the step with its error, while the failure hook runs', () => {
    expect(failed.live.phase).toBe('cleaning');
    expect(failedStep(failed.live)).toEqual({ step: 'Initialize', error: noRoot });
  });

  it('stays the same if the hook fails, too', () => {
    const { live } = failed.fails('FailureHook', { ...noRoot, code: 'LL-TRF-011' });
    expect(failedStep(live)).toEqual({ step: 'Initialize', error: noRoot });
  });

  it('is undefined after a cancel', () => {
    const canceled = begun.after({ kind: 'cancel', reason: 'x' });
    expect(failedStep(canceled.live)).toBeUndefined();
  });
});
