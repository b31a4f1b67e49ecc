import { describe, expect, it } from '@jest/globals';
import type { ItineraryStep, Resource } from '@ledgerlift/contracts';
import {
  chunks,
  completedBy,
  connectionReset,
  disk,
  failedWith,
  folder,
  noon,
  noRoot,
  otherHost,
  record,
  report,
  scratch,
  v2vLog,
} from '../spec/fixtures.js';
import {
  abandoned,
  admit,
  admitted,
  cancel,
  cancelRequested,
  claims,
  cleanupDecided,
  cleanupRequested,
  completed,
  conversionFailed,
  copied,
  copying,
  copyRequested,
  done,
  ended,
  failed,
  loses,
  planned,
  released,
  requested,
  retry,
  retryRequested,
  retryScheduled,
  says,
  started,
  wake,
} from '../spec/vm-events.js';
import { given } from '../spec/vm-specification.js';
import type { VmCommand } from './commands.js';

/** How a VM ends, and what an operator may do then: given events of the log, when a command, then events. */

const kept = (...resources: readonly Resource[]) =>
  resources.map((resource) => expect.objectContaining({ resource }));

describe('clean-up', () => {
  const created = [
    ...copied,
    ...done('ImageConversion'),
    ...requested('VirtualMachineCreation'),
    started('VirtualMachineCreation'),
  ];
  const isReleased = (...resources: readonly Resource[]): VmCommand =>
    says('Cleanup', 1, {
      outcome: completedBy('Cleanup'),
      released: resources.map((resource) => ({ resource, how: 'removed' })),
    });

  it('after success releases temporary resources and those that only a retry needs', () => {
    given(...created)
      .when(says('VirtualMachineCreation', 1, { outcome: completedBy('VirtualMachineCreation') }))
      .then(
        'StepCompleted',
        { type: 'CleanupDecided', data: { outcome: 'succeeded', release: [chunks, scratch] } },
        cleanupRequested('transfer', [chunks, scratch]),
      );
    given(
      ...created,
      completed('VirtualMachineCreation'),
      cleanupDecided('succeeded', [chunks, scratch]),
      cleanupRequested('transfer', [chunks, scratch]),
      started('Cleanup'),
    )
      .when(isReleased(chunks, scratch))
      .then('ResourceReleased', 'ResourceReleased', 'StepCompleted', {
        type: 'VmMigrationSucceeded',
        data: {
          kept: kept(folder, disk, v2vLog),
          condition: { type: 'Succeeded', category: 'Advisory', durable: true },
        },
      });
  });

  it('after failure keeps what a retry continues from, and the logs', () => {
    const converting = [...copied, ...requested('ImageConversion'), started('ImageConversion')];
    given(...converting)
      .when(says('ImageConversion', 1, { outcome: failedWith(noRoot) }))
      .then(
        'StepFailed',
        { type: 'CleanupDecided', data: { outcome: 'failed', release: [scratch], cause: noRoot } },
        cleanupRequested('transfer', [scratch]),
      );
    given(
      ...converting,
      failed('ImageConversion', noRoot),
      cleanupDecided('failed', [scratch], noRoot),
      cleanupRequested('transfer', [scratch]),
      started('Cleanup'),
    )
      .when(isReleased(scratch))
      .then('ResourceReleased', 'StepCompleted', {
        type: 'VmMigrationFailed',
        data: {
          kept: kept(folder, disk, chunks, v2vLog),
          condition: { type: 'Failed', category: 'Error', reason: 'LL-CNV-001', durable: true },
        },
      });
  });

  it('after cancel releases everything, later services first', () => {
    const all = [folder, disk, chunks, scratch, v2vLog];
    const canceled = [...copied, ...done('ImageConversion'), ...requested('VirtualMachineCreation')];
    given(...canceled)
      .when(cancel)
      .then(
        'CancelRequested',
        'StepStopped',
        { type: 'CleanupDecided', data: { outcome: 'canceled', release: all } },
        cleanupRequested('converter', [v2vLog]),
      );
    const converterIsDone = [
      ...canceled,
      cancelRequested,
      cleanupDecided('canceled', all),
      cleanupRequested('converter', [v2vLog]),
      started('Cleanup'),
    ];
    given(...converterIsDone)
      .when(isReleased(v2vLog))
      .then('ResourceReleased', 'StepCompleted', {
        ...cleanupRequested('transfer', [folder, disk, chunks, scratch], 2),
      });
    const transfers = [folder, disk, chunks, scratch];
    given(
      ...converterIsDone,
      released(v2vLog),
      completed('Cleanup'),
      cleanupRequested('transfer', transfers, 2),
      started('Cleanup', 2),
    )
      .when({
        kind: 'report',
        report: report('Cleanup', 2, 1, {
          outcome: completedBy('Cleanup'),
          released: transfers.map((resource) => ({ resource, how: 'removed' })),
        }),
        at: noon,
        random: 0,
      })
      .then(...transfers.map(() => 'ResourceReleased' as const), 'StepCompleted', {
        type: 'VmMigrationCanceled',
        data: { kept: [], condition: { type: 'Canceled', category: 'Advisory', durable: true } },
      });
  });

  it('is requested at the site, never from the pod that it removes', () => {
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
    const steps = [
      step('Initialize', 'transfer', 'edge'),
      step('DiskAllocation', 'transfer', 'edge'),
      // The service's first step is requested from the pod.
      step('TestBoot', 'vm-creator', 'edge.web-1'),
    ];
    given(
      planned({}, steps),
      admitted,
      ...requested('Initialize', 1, steps),
      started('Initialize'),
      completed('Initialize'),
      ...requested('DiskAllocation', 1, steps),
      started('DiskAllocation'),
      completed('DiskAllocation'),
      ...requested('TestBoot', 1, steps),
    )
      .when(cancel)
      .then('CancelRequested', 'StepStopped', 'CleanupDecided', {
        type: 'StepRequested',
        data: { step: 'Cleanup', service: 'vm-creator', site: 'edge', release: [pod] },
      });
  });

  it('that fails for good lists the resources that it could not release', () => {
    const all = [folder, disk, chunks, scratch];
    given(
      ...copyRequested,
      cancelRequested,
      cleanupDecided('canceled', all),
      cleanupRequested('transfer', all),
      started('Cleanup'),
    )
      .when(says('Cleanup', 1, { outcome: failedWith(otherHost) }))
      .then('StepFailed', {
        type: 'VmMigrationCanceled',
        data: { kept: all.map((resource) => ({ resource, reason: 'clean-up could not release it' })) },
      });
  });

  it('is retried after a transient failure', () => {
    const all = [folder, disk, chunks, scratch];
    const failing = [
      ...copyRequested,
      cancelRequested,
      cleanupDecided('canceled', all),
      cleanupRequested('transfer', all),
      started('Cleanup'),
    ];
    given(...failing)
      .when(says('Cleanup', 1, { outcome: failedWith(connectionReset) }))
      .then('StepFailed', { type: 'RetryScheduled', data: { step: 'Cleanup', attempt: 2 } });
    given(...failing, failed('Cleanup', connectionReset), retryScheduled('Cleanup', 2))
      .when(wake)
      .then(cleanupRequested('transfer', all, 2));
    given(
      ...failing,
      failed('Cleanup', connectionReset),
      retryScheduled('Cleanup', 2),
      cleanupRequested('transfer', all, 2),
    )
      .when(claims('Cleanup', 2, 'w2'))
      .then('StepStarted');
  });
});

describe('cancel', () => {
  it('of a waiting VM ends it at once, with nothing to clean up', () =>
    given(planned()).when(cancel).then('CancelRequested', 'CleanupDecided', 'VmMigrationCanceled'));

  it('waits for the running worker to stop', () =>
    given(...copying)
      .when(cancel)
      .then('CancelRequested'));

  it('does not wait for a lost worker', () =>
    given(...copying, cancelRequested)
      .when(loses('DiskTransfer'))
      .then('StepFailed', 'CleanupDecided', 'StepRequested'));

  it('is refused, with the reason, once the outcome is decided', () => {
    const succeeded = [
      ...copied,
      ...done('ImageConversion', 'VirtualMachineCreation'),
      cleanupDecided('succeeded', [chunks, scratch]),
      cleanupRequested('transfer', [chunks, scratch]),
    ];
    given(...succeeded)
      .when(cancel)
      .isRefused(/has ended \(succeeded\) and only its clean-up/);
    given(...succeeded, started('Cleanup'), completed('Cleanup'), ended('succeeded'))
      .when(cancel)
      .isRefused(/succeeded already/);
  });
});

describe('a retry by the operator', () => {
  it('continues from the failed step', () =>
    given(...conversionFailed, retryRequested('ImageConversion'))
      .when(admit)
      .then('VmMigrationAdmitted', { type: 'StepRequested', data: { step: 'ImageConversion', attempt: 2 } }));

  it('records how the plan describes the VM now, if that changed', () =>
    given(...conversionFailed)
      .when({ ...retry, record: { ...record, targetName: 'web2' } } as VmCommand)
      .then({ type: 'RetryRequested', data: { step: 'ImageConversion', record: { targetName: 'web2' } } }));

  it('does not wait for the back-off', () =>
    given(
      ...copying,
      failed('DiskTransfer', connectionReset),
      retryScheduled('DiskTransfer', 2, '2026-11-23T12:00:05.000Z'),
    )
      .when(retry)
      .then({ type: 'StepRequested', data: { step: 'DiskTransfer', attempt: 2 } }));

  it('is refused while the VM runs, and once it is abandoned', () => {
    given(...copying)
      .when(retry)
      .isRefused(/only a failed or held VM/);
    given(...conversionFailed, abandoned)
      .when(retry)
      .isRefused(/abandoned/);
  });

  it('cleans up by its own outcome, whatever an earlier clean-up did', () =>
    given(
      ...conversionFailed,
      retryRequested('ImageConversion'),
      admitted,
      ...requested('ImageConversion', 2),
      started('ImageConversion', 2),
      completed('ImageConversion', 2),
      ...requested('VirtualMachineCreation'),
      started('VirtualMachineCreation'),
      completed('VirtualMachineCreation'),
      cleanupDecided('succeeded', [chunks]),
      cleanupRequested('transfer', [chunks], 2),
      started('Cleanup', 2),
    )
      .when({
        kind: 'report',
        report: report('Cleanup', 2, 1, {
          outcome: completedBy('Cleanup'),
          released: [{ resource: chunks, how: 'removed' }],
        }),
        at: noon,
        random: 0,
      })
      .then('ResourceReleased', 'StepCompleted', {
        type: 'VmMigrationSucceeded',
        data: { kept: kept(folder, disk, v2vLog) },
      }));
});

describe('an abandoned VM', () => {
  it('releases what was kept for a retry, and keeps the logs', () => {
    given(...conversionFailed)
      .when({ kind: 'abandon', reason: 'not needed' })
      .then(
        'VmMigrationAbandoned',
        {
          type: 'CleanupDecided',
          data: { outcome: 'failed', release: [folder, disk, chunks], keep: kept(v2vLog) },
        },
        'StepRequested',
      );
    given(...conversionFailed).leadsTo(
      { phase: 'cleaning', isAbandoned: true },
      { kind: 'abandon', reason: 'not needed' },
    );
  });
});
