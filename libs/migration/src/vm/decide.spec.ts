import { alwaysPresent } from '../presence/presence.js';
import { describe, expect, it } from '@jest/globals';
import type { ItineraryStep, Resource } from '@ledgerlift/contracts';
import {
  chunks,
  completedBy,
  connectionReset,
  disk,
  failedWith,
  folder,
  noRoot,
  noon,
  otherHost,
  record,
  report,
  scratch,
  v2vLog,
} from '../spec/fixtures.js';
import { History, given, started } from '../spec/vm-specification.js';

const copying = started.completes('Initialize', 'DiskAllocation');
const says = (
  step: 'DiskTransfer' | 'ImageConversion' | 'Cleanup' | 'Initialize',
  number: number,
  content = {},
) => ({ kind: 'report', report: report(step, 1, number, content), at: noon, random: 0 }) as const;
const checkpoint = (bytesDone: number) => ({
  diskId: 'd0',
  momentId: 'off-1',
  bytesDone,
  bytesTotal: 100,
  manifestDigest: `digest-of-${bytesDone}`,
});

describe('a VM of a plan', () => {
  it('is recorded once, with its itinerary', () =>
    given(History.empty.planned())
      .when({ kind: 'plan', record, itinerary: [] })
      .isRefused(/already planned/));

  it('is asked for its first step when it gets a place', () =>
    given(History.empty.planned())
      .when({ kind: 'admit', at: noon })
      .then('VmMigrationAdmitted', {
        type: 'StepRequested',
        data: { step: 'Initialize', attempt: 1, service: 'transfer' },
      }));

  it('does not start twice when the admission is repeated', () =>
    given(started).when({ kind: 'admit', at: noon }).then());
});

describe('a claim', () => {
  it('starts the attempt', () =>
    given(started)
      .when({ kind: 'claim', step: 'Initialize', attempt: 1, worker: 'w1', at: noon })
      .then({ type: 'StepStarted', data: { worker: 'w1' } }));

  it('is answered the same way to the same worker', () =>
    given(started.claimed())
      .when({ kind: 'claim', step: 'Initialize', attempt: 1, worker: 'w1', at: noon })
      .then());

  it('is refused to anybody else', () =>
    given(started.claimed())
      .when({ kind: 'claim', step: 'Initialize', attempt: 1, worker: 'w2', at: noon })
      .isRefused(/w1 has it/));

  it('is refused for an attempt that is over', () =>
    given(copying)
      .when({ kind: 'claim', step: 'Initialize', attempt: 1, worker: 'w1', at: noon })
      .isRefused(/not under way/));
});

describe('a step that completes', () => {
  it('leads to the next one, whose resources are claimed before anything is made', () =>
    given(started.claimed())
      .when(says('Initialize', 1, { outcome: completedBy('Initialize') }))
      .then(
        'StepCompleted',
        { type: 'ResourceClaimed', data: { resource: folder } },
        { type: 'ResourceClaimed', data: { resource: disk } },
        { type: 'StepRequested', data: { step: 'DiskAllocation' } },
      ));

  it('is reported twice without effect', () =>
    given(copying)
      .when(says('Initialize', 1, { outcome: completedBy('Initialize') }))
      .then());

  it('fails for good when the result is of another step', () =>
    given(started.claimed())
      .when(says('Initialize', 1, { outcome: completedBy('DiskTransfer') }))
      .then(
        { type: 'StepFailed', data: { error: { code: 'LL-MIG-003' } } },
        'CleanupDecided',
        'VmMigrationFailed',
      ));
});

describe('a report', () => {
  const copyingClaimed = copying.claimed();

  it('yields only what is new', () =>
    given(copyingClaimed.after(says('DiskTransfer', 1, { checkpoints: [checkpoint(10)] })))
      .when(says('DiskTransfer', 2, { checkpoints: [checkpoint(10)] }))
      .then());

  it('that comes late, after a newer one, says nothing', () =>
    given(copyingClaimed.after(says('DiskTransfer', 2, { checkpoints: [checkpoint(20)] })))
      .when(says('DiskTransfer', 1, { checkpoints: [checkpoint(10)] }))
      .then());

  it('of a worker that was given up cannot move the VM', () =>
    given(copyingClaimed.after({ kind: 'lose', step: 'DiskTransfer', attempt: 1, at: noon }).retryDue())
      .when(says('DiskTransfer', 1, { outcome: completedBy('DiskTransfer') }))
      .isRefused(/not under way/));

  it('of somebody who never claimed is refused', () =>
    given(copying)
      .when(says('DiskTransfer', 1))
      .isRefused(/nobody has it/));

  it('claims and releases resources in the ledger', () => {
    const extra = { ...scratch, name: 'default/web/extra' };
    const history = copyingClaimed.after(says('DiskTransfer', 1, { claimed: [extra] }));
    expect(Object.keys(history.live.ledger)).toContain('unpacked-disk:default/web/extra');
    const released = history.after(
      says('DiskTransfer', 2, { claimed: [extra], released: [{ resource: extra, how: 'removed' }] }),
    );
    expect(Object.keys(released.live.ledger)).not.toContain('unpacked-disk:default/web/extra');
  });
});

describe('a disk transfer that fails', () => {
  it('is tried again after a back-off, whose due time is logged, when the failure is transient', () =>
    given(copying.claimed())
      .when(says('DiskTransfer', 1, { outcome: failedWith(connectionReset) }))
      .then('StepFailed', {
        type: 'RetryScheduled',
        data: { attempt: 2, dueAt: '2026-11-23T12:00:05.000Z' },
      }));

  it('waits twice as long each time', () => {
    const second = copying
      .fails('DiskTransfer', connectionReset)
      .retryDue()
      .fails('DiskTransfer', connectionReset);
    expect(second.live.retryAt?.dueAt).toBe('2026-11-23T12:00:10.000Z');
  });

  it('is not tried before it is due', () =>
    given(copying.fails('DiskTransfer', connectionReset))
      .when({ kind: 'wake', at: noon, random: 0, presence: alwaysPresent })
      .then());

  it('is tried maxRetries times and not once more', () => {
    const once = History.empty
      .planned({ maxRetries: 1 })
      .admitted()
      .completes('Initialize', 'DiskAllocation');
    const twice = once
      .fails('DiskTransfer', connectionReset)
      .retryDue()
      .fails('DiskTransfer', connectionReset);
    expect(twice.live).toMatchObject({
      phase: 'cleaning',
      cleanup: { outcome: 'failed', cause: connectionReset },
    });
  });

  it('counts anew once a checkpoint shows progress', () => {
    const once = History.empty
      .planned({ maxRetries: 1 })
      .admitted()
      .completes('Initialize', 'DiskAllocation');
    const further = once
      .fails('DiskTransfer', connectionReset)
      .retryDue()
      .claimed()
      .after({
        kind: 'report',
        report: report('DiskTransfer', 2, 1, { checkpoints: [checkpoint(50)] }),
        at: noon,
        random: 0,
      })
      .after({
        kind: 'report',
        report: report('DiskTransfer', 2, 2, { outcome: failedWith(connectionReset) }),
        at: noon,
        random: 0,
      });
    expect(further.live.retryAt?.attempt).toBe(3);
  });

  it('is given up when the operator canceled meanwhile', () =>
    given(copying.claimed().after({ kind: 'cancel', reason: 'wrong VM' }))
      .when(says('DiskTransfer', 1, { outcome: failedWith(connectionReset) }))
      .then('StepFailed', { type: 'CleanupDecided', data: { outcome: 'canceled' } }, 'StepRequested'));

  it('is given to another worker at once when its worker is lost', () =>
    given(copying.claimed())
      .when({ kind: 'lose', step: 'DiskTransfer', attempt: 1, at: noon })
      .then(
        { type: 'StepFailed', data: { lost: true } },
        { type: 'RetryScheduled', data: { attempt: 2, dueAt: noon.toISOString() } },
      ));

  it('is given up when it loses its worker again and again', () => {
    let history = History.empty.planned({ maxLost: 2 }).admitted();
    for (const attempt of [1, 2]) {
      history = history.claimed().after({ kind: 'lose', step: 'Initialize', attempt, at: noon }).retryDue();
    }
    given(history.claimed())
      .when({ kind: 'lose', step: 'Initialize', attempt: 3, at: noon })
      .then('StepFailed', { type: 'CleanupDecided', data: { outcome: 'failed' } }, 'VmMigrationFailed');
  });

  it('is held, with nothing cleaned, when only an operator can say whether the old writer has ended', () => {
    const held = copying.fails('DiskTransfer', otherHost);
    expect(held.live).toMatchObject({ phase: 'held', cleanup: undefined });
    expect(held.live.conditions).toContainEqual(expect.objectContaining({ type: 'NeedsOperator' }));
  });
});

describe('a request that no worker understood', () => {
  it('becomes a failure of the step', () =>
    given(started)
      .when({
        kind: 'reject',
        step: 'Initialize',
        attempt: 1,
        error: { ...noRoot, class: 'permanent' },
        at: noon,
        random: 0,
      })
      .then('StepFailed', 'CleanupDecided', 'VmMigrationFailed'));
});

describe('clean-up', () => {
  const converted = copying.completes('DiskTransfer', 'ImageConversion');

  it('after success releases what was temporary and what only a retry needs', () => {
    const history = converted.completes('VirtualMachineCreation');
    expect(history.live.cleanup?.release).toEqual([chunks, scratch]);
    const ended = history.completes('Cleanup');
    expect(ended.live.phase).toBe('succeeded');
    expect(ended.live.kept.map(({ resource }) => resource)).toEqual([folder, disk, v2vLog]);
    expect(ended.live.conditions).toContainEqual(
      expect.objectContaining({ type: 'Succeeded', category: 'Advisory', durable: true }),
    );
  });

  it('after failure keeps what a retry goes on from, and the logs', () => {
    const history = copying.completes('DiskTransfer').fails('ImageConversion', noRoot);
    expect(history.live.cleanup?.release).toEqual([scratch]);
    const ended = history.completes('Cleanup');
    expect(ended.live.phase).toBe('failed');
    expect(ended.live.kept.map(({ resource }) => resource)).toEqual([folder, disk, chunks, v2vLog]);
    expect(ended.live.conditions).toContainEqual(
      expect.objectContaining({ type: 'Failed', category: 'Error', reason: 'LL-CNV-001', durable: true }),
    );
  });

  it('after cancel releases everything, later services first', () => {
    const history = converted.after({ kind: 'cancel', reason: 'not needed' });
    expect(history.live.attempts.at(-1)).toMatchObject({
      step: 'Cleanup',
      service: 'converter',
      release: [v2vLog],
    });
    const ended = history.completes('Cleanup', 'Cleanup');
    expect(ended.live).toMatchObject({ phase: 'canceled', ledger: {}, kept: [] });
    expect(ended.live.conditions).toContainEqual(
      expect.objectContaining({ type: 'Canceled', category: 'Advisory', durable: true }),
    );
  });

  it('is asked of the site, and never of the pod that it removes', () => {
    const pod: Resource = {
      kind: 'worker-pod',
      name: 'vms/web-1',
      service: 'vm-creator',
      lifetime: 'temporary',
    };
    const step = (
      name: ItineraryStep['step'],
      service: ItineraryStep['service'],
      site: string,
    ): ItineraryStep => ({
      ...{ step: name, service, site, phase: 'preparation', part: 'main' },
      claims: name === 'DiskAllocation' ? [pod] : [],
    });
    const itinerary = [
      step('Initialize', 'transfer', 'edge'),
      step('DiskAllocation', 'transfer', 'edge'),
      // The first that this service is asked for is asked of the pod.
      step('TestBoot', 'vm-creator', 'edge.web-1'),
    ];
    const allocated = History.empty
      .after({ kind: 'plan', record, itinerary })
      .admitted()
      .completes('Initialize', 'DiskAllocation');
    const { live } = allocated.after({ kind: 'cancel', reason: 'no' });
    expect(live.attempts.at(-1)).toMatchObject({
      step: 'Cleanup',
      service: 'vm-creator',
      site: 'edge',
      release: [pod],
    });
  });

  it('that fails for good lists what it could not release', () => {
    const ended = copying.after({ kind: 'cancel', reason: 'stop' }).fails('Cleanup', otherHost);
    expect(ended.live.phase).toBe('canceled');
    expect(ended.live.kept.every(({ reason }) => reason === 'clean-up could not release it')).toBe(true);
    expect(ended.live.kept).toHaveLength(2 + 2);
  });

  it('is tried again when it fails for a while', () =>
    given(copying.after({ kind: 'cancel', reason: 'stop' }).fails('Cleanup', connectionReset).retryDue())
      .when({ kind: 'claim', step: 'Cleanup', attempt: 2, worker: 'w2', at: noon })
      .then('StepStarted'));
});

describe('cancel', () => {
  it('of a VM that waits ends at once, with nothing to clean', () =>
    given(History.empty.planned())
      .when({ kind: 'cancel', reason: 'changed my mind' })
      .then('CancelRequested', 'CleanupDecided', 'VmMigrationCanceled'));

  it('waits for the running worker to stop', () =>
    given(copying.claimed()).when({ kind: 'cancel', reason: 'stop' }).then('CancelRequested'));

  it('does not wait for a worker that is gone', () =>
    given(copying.claimed().after({ kind: 'cancel', reason: 'stop' }))
      .when({ kind: 'lose', step: 'DiskTransfer', attempt: 1, at: noon })
      .then('StepFailed', 'CleanupDecided', 'StepRequested'));

  it('is refused, with the reason, once the outcome is decided', () => {
    const succeeded = copying.completes('DiskTransfer', 'ImageConversion', 'VirtualMachineCreation');
    given(succeeded)
      .when({ kind: 'cancel', reason: 'late' })
      .isRefused(/has succeeded, only clean-up/);
    given(succeeded.completes('Cleanup'))
      .when({ kind: 'cancel', reason: 'late' })
      .isRefused(/succeeded already/);
  });
});

describe('a retry by the operator', () => {
  const failed = copying.completes('DiskTransfer').fails('ImageConversion', noRoot).completes('Cleanup');

  it('goes on from the failed step', () =>
    given(failed.after({ kind: 'retry', reason: 'fixed fstab' }))
      .when({ kind: 'admit', at: noon })
      .then('VmMigrationAdmitted', { type: 'StepRequested', data: { step: 'ImageConversion', attempt: 2 } }));

  it('records the VM as it resolves now when that was changed', () =>
    given(failed)
      .when({ kind: 'retry', reason: 'new root', record: { ...record, targetName: 'web2' } })
      .then({ type: 'RetryRequested', data: { step: 'ImageConversion', record: { targetName: 'web2' } } }));

  it('does not wait for the back-off', () =>
    given(copying.fails('DiskTransfer', connectionReset))
      .when({ kind: 'retry', reason: 'now' })
      .then({ type: 'StepRequested', data: { step: 'DiskTransfer', attempt: 2 } }));

  it('is refused while the VM runs, and once it is abandoned', () => {
    given(copying.claimed())
      .when({ kind: 'retry', reason: 'now' })
      .isRefused(/only a VM that failed/);
    given(failed.after({ kind: 'abandon', reason: 'not needed' }))
      .when({ kind: 'retry', reason: 'now' })
      .isRefused(/abandoned/);
  });

  it('cleans up by its own outcome, whatever the clean-up before it did', () => {
    const again = failed
      .after({ kind: 'retry', reason: 'fixed' })
      .admitted()
      .completes('ImageConversion', 'VirtualMachineCreation');
    const ended = again.completes('Cleanup');
    expect(ended.live).toMatchObject({ phase: 'succeeded' });
    expect(ended.live.kept.map(({ resource }) => resource)).toEqual([folder, disk, v2vLog]);
  });
});

describe('an abandoned VM', () => {
  it('gives back what was kept for a retry, and keeps the logs', () => {
    const failed = copying.completes('DiskTransfer').fails('ImageConversion', noRoot).completes('Cleanup');
    const ended = failed.after({ kind: 'abandon', reason: 'not needed' }).completes('Cleanup');
    expect(ended.live).toMatchObject({ phase: 'failed', abandoned: true });
    expect(ended.live.kept.map(({ resource }) => resource)).toEqual([v2vLog]);
  });
});
