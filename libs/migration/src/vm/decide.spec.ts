import { describe, expect, it } from '@jest/globals';
import type { DomainEvent } from '@ledgerlift/contracts';
import {
  completedBy,
  connectionReset,
  disk,
  failedWith,
  folder,
  noon,
  noRoot,
  otherHost,
  record,
  scratch,
} from '../spec/fixtures.js';
import {
  admit,
  admitted,
  allocated,
  cancelRequested,
  checkpoint,
  checkpointed,
  claims,
  copying,
  copyRequested,
  failed,
  initializing,
  loses,
  lost,
  planned,
  released,
  requested,
  retryScheduled,
  says,
  started,
  wake,
} from '../spec/vm-events.js';
import { given } from '../spec/vm-specification.js';
import type { VmCommand } from './commands.js';

/** Given events of the log, when a command, then the events that the decider appends. */

describe('a VM of a plan', () => {
  it('is recorded once, with its itinerary', () => {
    given()
      .when({ kind: 'plan', record, itinerary: [] })
      .then({ type: 'VmMigrationPlanned', data: { record } });
    given(planned())
      .when({ kind: 'plan', record, itinerary: [] })
      .isRefused(/already planned/);
  });

  it('gets its first step requested when it gets a slot', () =>
    given(planned())
      .when(admit)
      .then('VmMigrationAdmitted', {
        type: 'StepRequested',
        data: { step: 'Initialize', attempt: 1, service: 'transfer' },
      }));

  it('does not start twice when the admission is repeated', () =>
    given(...initializing)
      .when(admit)
      .then());
});

describe('a claim', () => {
  const claimed = [...initializing, started('Initialize')];

  it('starts the attempt', () =>
    given(...initializing)
      .when(claims('Initialize'))
      .then({ type: 'StepStarted', data: { worker: 'w1' } }));

  it('is answered the same way to the same worker', () =>
    given(...claimed)
      .when(claims('Initialize'))
      .then());

  it('is refused to any other worker', () =>
    given(...claimed)
      .when(claims('Initialize', 1, 'w2'))
      .isRefused(/w1 has claimed it/));

  it('is refused for an attempt that is over', () =>
    given(...copyRequested)
      .when(claims('Initialize'))
      .isRefused(/not current/));
});

describe('a step that completes', () => {
  const claimed = [...initializing, started('Initialize')];

  it('leads to the next one, whose resources are claimed first', () =>
    given(...claimed)
      .when(says('Initialize', 1, { outcome: completedBy('Initialize') }))
      .then(
        'StepCompleted',
        { type: 'ResourceClaimed', data: { resource: folder } },
        { type: 'ResourceClaimed', data: { resource: disk } },
        { type: 'StepRequested', data: { step: 'DiskAllocation' } },
      ));

  it('may be reported twice without effect', () =>
    given(...copyRequested)
      .when(says('Initialize', 1, { outcome: completedBy('Initialize') }))
      .then());

  it('fails for good if the result belongs to another step', () =>
    given(...claimed)
      .when(says('Initialize', 1, { outcome: completedBy('DiskTransfer') }))
      .then(
        { type: 'StepFailed', data: { error: { code: 'LL-MIG-003' } } },
        'CleanupDecided',
        'VmMigrationFailed',
      ));
});

describe('a report', () => {
  it('yields only what is new', () =>
    given(...copying, checkpointed('DiskTransfer', 1, 1, checkpoint(10)))
      .when(says('DiskTransfer', 2, { checkpoints: [checkpoint(10)] }))
      .then());

  it('that arrives after a newer one yields nothing', () =>
    given(...copying, checkpointed('DiskTransfer', 1, 2, checkpoint(20)))
      .when(says('DiskTransfer', 1, { checkpoints: [checkpoint(10)] }))
      .then());

  it('of a lost worker cannot move the VM', () =>
    given(
      ...copying,
      lost('DiskTransfer'),
      retryScheduled('DiskTransfer', 2),
      ...requested('DiskTransfer', 2),
    )
      .when(says('DiskTransfer', 1, { outcome: completedBy('DiskTransfer') }))
      .isRefused(/not current/));

  it('of a worker that never claimed is refused', () =>
    given(...copyRequested)
      .when(says('DiskTransfer', 1))
      .isRefused(/no worker has claimed it/));

  it('claims and releases resources in the ledger', () => {
    const extra = { ...scratch, name: 'default/web/extra' };
    given(...copying)
      .when(says('DiskTransfer', 1, { claimed: [extra] }))
      .then({ type: 'ResourceClaimed', data: { resource: extra } });
    const claimed: DomainEvent = {
      type: 'ResourceClaimed',
      data: { step: 'DiskTransfer', attempt: 1, report: 1, resource: extra },
    };
    given(...copying, claimed).leadsTo({ ledger: { 'unpacked-disk:default/web/extra': extra } });
    given(...copying, claimed)
      .when(says('DiskTransfer', 2, { claimed: [extra], released: [{ resource: extra, how: 'removed' }] }))
      .then({ type: 'ResourceReleased', data: { resource: extra } });
    given(...copying, claimed, released(extra)).leadsTo({
      ledger: expect.not.objectContaining({ 'unpacked-disk:default/web/extra': extra }),
    });
  });
});

describe('a disk transfer that fails', () => {
  const resets = says('DiskTransfer', 1, { outcome: failedWith(connectionReset) });
  const retrying = [
    failed('DiskTransfer', connectionReset),
    retryScheduled('DiskTransfer', 2),
    ...requested('DiskTransfer', 2),
    started('DiskTransfer', 2),
  ];
  const resetsAgain = (number: number): VmCommand =>
    says('DiskTransfer', number, { outcome: failedWith(connectionReset) }, 2);

  it('is retried after a back-off, whose due time is logged, if the failure is transient', () =>
    given(...copying)
      .when(resets)
      .then('StepFailed', {
        type: 'RetryScheduled',
        data: { attempt: 2, dueAt: '2026-11-23T12:00:05.000Z' },
      }));

  it('doubles the wait each time', () =>
    given(...copying, ...retrying)
      .when(resetsAgain(1))
      .then('StepFailed', {
        type: 'RetryScheduled',
        data: { attempt: 3, dueAt: '2026-11-23T12:00:10.000Z' },
      }));

  it('is not retried before it is due', () => {
    const due = retryScheduled('DiskTransfer', 2, '2026-11-23T12:00:05.000Z');
    const waiting = [...copying, failed('DiskTransfer', connectionReset), due];
    given(...waiting)
      .when(wake)
      .then();
    given(...waiting)
      .when({ ...wake, at: new Date('2026-11-23T12:00:05.000Z') } as VmCommand)
      .then({ type: 'StepRequested', data: { step: 'DiskTransfer', attempt: 2 } });
  });

  it('is retried maxRetries times and no more', () =>
    given(
      ...allocated(planned({ maxRetries: 1 })),
      ...requested('DiskTransfer'),
      started('DiskTransfer'),
      ...retrying,
    )
      .when(resetsAgain(1))
      .then(
        'StepFailed',
        { type: 'CleanupDecided', data: { outcome: 'failed', cause: connectionReset } },
        { type: 'StepRequested', data: { step: 'Cleanup' } },
      ));

  it('resets its count once a checkpoint shows progress', () =>
    given(
      ...allocated(planned({ maxRetries: 1 })),
      ...requested('DiskTransfer'),
      started('DiskTransfer'),
      ...retrying,
      checkpointed('DiskTransfer', 2, 1, checkpoint(50)),
    )
      .when(resetsAgain(2))
      .then('StepFailed', { type: 'RetryScheduled', data: { attempt: 3 } }));

  it('is given up if the operator canceled meanwhile', () =>
    given(...copying, cancelRequested)
      .when(resets)
      .then('StepFailed', { type: 'CleanupDecided', data: { outcome: 'canceled' } }, 'StepRequested'));

  it('goes to another worker at once if its worker is lost', () =>
    given(...copying)
      .when(loses('DiskTransfer'))
      .then(
        { type: 'StepFailed', data: { lost: true } },
        { type: 'RetryScheduled', data: { attempt: 2, dueAt: noon.toISOString() } },
      ));

  it('is given up if it loses its worker again and again', () => {
    const lostOnce = (attempt: number): readonly DomainEvent[] => [
      ...requested('Initialize', attempt),
      started('Initialize', attempt),
      lost('Initialize', attempt),
      retryScheduled('Initialize', attempt + 1),
    ];
    given(
      planned({ maxLost: 2 }),
      admitted,
      ...lostOnce(1),
      ...lostOnce(2),
      ...requested('Initialize', 3),
      started('Initialize', 3),
    )
      .when(loses('Initialize', 3))
      .then('StepFailed', { type: 'CleanupDecided', data: { outcome: 'failed' } }, 'VmMigrationFailed');
  });

  it('holds the VM, without clean-up, if only an operator can tell whether the old writer has ended', () => {
    const unknown = says('DiskTransfer', 1, { outcome: failedWith(otherHost) });
    given(...copying)
      .when(unknown)
      .then('StepFailed', { type: 'ConditionRaised', data: { condition: { type: 'NeedsOperator' } } });
    given(...copying).leadsTo({ phase: 'held' }, unknown);
  });
});

describe('a request that no worker could read', () => {
  it('fails the step', () =>
    given(...initializing)
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
