import { describe, expect, it } from '@jest/globals';
import type { ItineraryStep } from '@ledgerlift/contracts';
import { connectionReset, noon, noRoot, record, warmItinerary } from '../spec/fixtures.js';
import { given, History } from '../spec/vm-specification.js';
import { openAttempt } from './state.js';

const inspection: ItineraryStep = {
  step: 'PreflightInspection',
  phase: 'preparation',
  service: 'converter',
  site: 'local',
  part: 'main',
  claims: [],
};
const settings = { ...record.settings, type: 'warm' as const, inspect: true };
const atInspection = History.empty
  .after({
    kind: 'plan',
    record: { ...record, settings },
    itinerary: warmItinerary.toSpliced(3, 0, inspection),
  })
  .admitted()
  .completes('Initialize', 'DiskAllocation', 'SnapshotCreation');

describe('a guest that is inspected before its initial copy', () => {
  it('is copied once the inspection shows that it can be converted', () => {
    const history = atInspection.completes('PreflightInspection');
    expect(openAttempt(history.live)).toMatchObject({ step: 'DiskTransfer', attempt: 1 });
    expect(history.completes('DiskTransfer').live.phase).toBe('waiting');
  });

  it('is never copied if it cannot be converted: its snapshot is removed, and its disks stay for a retry', () => {
    const failed = atInspection.fails('PreflightInspection', noRoot).completes('Cleanup');
    expect(failed.live.phase).toBe('failed');
    expect(
      failed.events.some(({ type, data }) => type === 'StepRequested' && data.step === 'DiskTransfer'),
    ).toBe(false);
    expect(failed.decided.kept.map(({ resource }) => resource.kind)).not.toContain('snapshot');
  });

  it('gets another snapshot on a retry, because the first was removed', () => {
    const again = atInspection
      .fails('PreflightInspection', noRoot)
      .completes('Cleanup')
      .after({ kind: 'retry', reason: 'repaired' })
      .admitted();
    expect(openAttempt(again.live)).toMatchObject({ step: 'SnapshotCreation', attempt: 2 });
    expect(openAttempt(again.completes('SnapshotCreation').live)?.step).toBe('PreflightInspection');
  });

  it('is inspected again automatically after a transient failure, on the same snapshot', () => {
    const again = atInspection.fails('PreflightInspection', connectionReset).retryDue();
    expect(openAttempt(again.live)).toMatchObject({ step: 'PreflightInspection', attempt: 2 });
  });

  it('gets another snapshot if the first is lost', () => {
    const outcome = { kind: 'snapshot-lost', reason: 'the host died' } as const;
    const lost = atInspection.claimed().says('PreflightInspection', 1, { outcome });
    expect(openAttempt(lost.completes('Cleanup').live)).toMatchObject({
      step: 'SnapshotCreation',
      attempt: 2,
    });
  });

  it('is no longer inspected after a cancel', () =>
    given(atInspection)
      .when({ kind: 'cancel', reason: 'no' })
      .then('CancelRequested', 'StepStopped', 'CleanupDecided', 'StepRequested'));

  it('is paused only after the inspection, whose work would be lost', () => {
    const asked = atInspection.claimed().after({ kind: 'pause', reason: 'lunch' });
    expect(asked.live.phase).toBe('running');
    const { attempt } = openAttempt(asked.live) ?? { attempt: 0 };
    const outcome = { kind: 'completed', result: { step: 'PreflightInspection', log: '' } } as const;
    expect(asked.says('PreflightInspection', attempt, { outcome }, noon).live.phase).toBe('paused');
  });
});
