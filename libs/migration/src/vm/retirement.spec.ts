import { describe, expect, it } from '@jest/globals';
import type { Resource } from '@ledgerlift/contracts';
import { noon, record } from '../spec/fixtures.js';
import { History } from '../spec/vm-specification.js';
import { openAttempt } from './state.js';

const tag: Resource = { kind: 'source-tag', name: 'moved', service: 'transfer', lifetime: 'evidence' };
const cleaned = (history: History): History => {
  let now = history;
  while (openAttempt(now.live)?.step === 'Cleanup') now = now.completes('Cleanup');
  return now;
};
/** At its end, with the tag given to the source and said to the log before. */
const retiring = History.warm({ retireSource: { ...record.settings.retireSource, tag: 'moved' } })
  .admitted()
  .completes('Initialize', 'DiskAllocation', 'SnapshotCreation', 'DiskTransfer')
  .after({ kind: 'cutover', reason: 'now', by: 'ada', dueAt: noon, at: noon })
  .wakes(noon)
  .admitted()
  .completes('SourcePowerOff', 'SnapshotRemoval', 'SnapshotCreation', 'DiskTransfer')
  .completes('ImageConversion', 'ImageCommit', 'VirtualMachineCreation', 'FinalPowerActions')
  .claimed()
  .says('SourceRetirement', 1, { claimed: [tag] });
const tagKept = (history: History) =>
  history.decided.kept.find(({ resource }) => resource.kind === 'source-tag');

describe('the tag that a retirement gives the source', () => {
  const lost = retiring.after({ kind: 'lose', step: 'SourceRetirement', attempt: 1, at: noon }).retryDue();
  const done = cleaned(lost.completes('SourceRetirement'));

  it('is listed at the end, and removed by no clean-up', () => {
    expect(done.live.phase).toBe('succeeded');
    expect(tagKept(done)).toEqual({ resource: tag, reason: 'it marks the retired source' });
    const released = done.events.flatMap((event) =>
      event.type === 'StepRequested' ? (event.data.release ?? []) : [],
    );
    expect(released).not.toContainEqual(tag);
  });

  it('leaves the list once a rollback has removed it', () => {
    const back = done.after({ kind: 'rollback', reason: 'back', at: noon }).completes('TargetPowerOff');
    const restored = back.claimed().says('SourceRestoration', 1, {
      released: [{ resource: tag, how: 'removed' }],
      outcome: { kind: 'completed', result: { step: 'SourceRestoration', did: [] } },
    });
    const over = cleaned(restored.completes('SourcePowerOn'));
    expect(over.live.phase).toBe('rolled-back');
    expect(tagKept(over)).toBeUndefined();
  });

  it('stays listed if the rollback could not remove it', () => {
    const back = done.after({ kind: 'rollback', reason: 'back', at: noon }).completes('TargetPowerOff');
    const stuck = back.fails('SourceRestoration', { code: 'LL-VSP-018', class: 'permanent', message: 'no' });
    expect(tagKept(cleaned(stuck.completes('SourcePowerOn')))).toBeDefined();
  });
});
