import type { DomainEvent } from '@ledgerlift/contracts';
import { bytes } from './quantities.js';

/** What an event says, for people. */
export function sentence(event: DomainEvent): string {
  switch (event.type) {
    case 'VmMigrationPlanned': {
      const { record, itinerary } = event.data;
      return `planned: ${record.source.vm.name} becomes ${record.targetNamespace}/${record.targetName}, by ${itinerary.map(({ step }) => step).join(', ')}`;
    }
    case 'VmMigrationAdmitted':
      return 'got a place to run';
    case 'StepRequested':
      return `${event.data.step}, attempt ${event.data.attempt}: asked of ${event.data.service} at site ${event.data.site}`;
    case 'StepStarted':
      return `${event.data.step}, attempt ${event.data.attempt}: started by ${event.data.worker}`;
    case 'StepCheckpointed':
      return `${event.data.step}: checkpoint, ${event.data.checkpoints
        .map(({ diskId, bytesDone, bytesTotal }) => `${diskId} ${bytes(bytesDone)} of ${bytes(bytesTotal)}`)
        .join('; ')}`;
    case 'StepCompleted':
      return `${event.data.step}, attempt ${event.data.attempt}: completed${resultOf(event.data.result)}`;
    case 'StepFailed': {
      const { step, attempt, error, lost } = event.data;
      return `${step}, attempt ${attempt}: ${lost ? 'lost its worker' : `failed, ${error.class}`}: ${error.code} ${error.message}`;
    }
    case 'RetryScheduled':
      return `${event.data.step}: attempt ${event.data.attempt} is due at ${event.data.dueAt}`;
    case 'ResourceClaimed':
      return `claimed ${event.data.resource.kind} ${event.data.resource.name}`;
    case 'ResourceReleased':
      return `released ${event.data.resource.kind} ${event.data.resource.name} (${event.data.how})`;
    case 'ConditionRaised': {
      const { category, type, message } = event.data.condition;
      return `${category} ${type}: ${message}`;
    }
    case 'CancelRequested':
      return `cancel was asked for: ${event.data.reason}`;
    case 'RetryRequested':
      return `retry from ${event.data.step} was asked for: ${event.data.reason}${event.data.record ? ' (with changes)' : ''}`;
    case 'CleanupDecided': {
      const { outcome, release, keep } = event.data;
      return `outcome ${outcome}: ${release.length} things are released, ${keep.length} are kept`;
    }
    case 'VmMigrationSucceeded':
    case 'VmMigrationFailed':
    case 'VmMigrationCanceled':
      return `${event.data.condition.type}: ${event.data.condition.message}`;
    case 'VmMigrationAbandoned':
      return `abandoned: ${event.data.reason}`;
    default:
      return event.type;
  }
}

function resultOf(result: Extract<DomainEvent, { type: 'StepCompleted' }>['data']['result']): string {
  switch (result.step) {
    case 'DiskTransfer':
      return result.disks
        .map(
          (disk) =>
            `, ${disk.name}: ${bytes(disk.bytesRead)} read of ${bytes(disk.size)}, digest ${disk.digest}, verified: ${disk.verified}`,
        )
        .join('');
    case 'ImageConversion':
      return `, ${result.inspection.osProduct}, boots on ${result.capabilities.diskBus} and ${result.capabilities.nicModel}`;
    case 'BootProof':
      return `, ${result.booted ? 'booted' : 'did not boot'} after ${result.seconds.toFixed(0)} s: ${result.evidence}`;
    case 'VirtualMachineCreation':
      return `, wrote ${result.files.join(', ')}`;
    default:
      return '';
  }
}
