import type { DomainEvent, HistoryEntry } from '@ledgerlift/contracts';
import type { StoredEvent } from '@ledgerlift/event-log';
import { domainEvent } from '../../log/domain-events.js';

/** An event of the log as it stands there, with a sentence for people. */
export function historyEntry(event: StoredEvent): HistoryEntry {
  const { id, type, version, time, stream, revision, actor, causationId, correlationId, data } = event;
  const summary = sentence(domainEvent(event));
  return {
    eventId: id,
    type,
    version,
    time,
    stream,
    revision,
    actor,
    causationId,
    correlationId,
    summary,
    data,
  };
}

function sentence(event: DomainEvent): string {
  switch (event.type) {
    case 'VmMigrationPlanned':
      return `planned: ${event.data.itinerary.map(({ step }) => step).join(' → ')}`;
    case 'VmMigrationAdmitted':
      return 'got a place to run';
    case 'StepRequested':
      return `${event.data.step} asked of ${event.data.service} at ${event.data.site}, attempt ${event.data.attempt}`;
    case 'StepStarted':
      return `${event.data.step} started by ${event.data.worker}, attempt ${event.data.attempt}`;
    case 'StepCheckpointed':
      return `${event.data.step} at ${event.data.checkpoints.map(({ diskId, bytesDone, bytesTotal }) => `${diskId} ${percent(bytesDone, bytesTotal)}`).join(', ')}`;
    case 'StepCompleted':
      return `${event.data.step} completed`;
    case 'StepFailed':
      return `${event.data.step} failed, ${event.data.error.class}: ${event.data.error.message}`;
    case 'RetryScheduled':
      return `${event.data.step} is tried again at ${event.data.dueAt}, attempt ${event.data.attempt}`;
    case 'ResourceClaimed':
      return `claimed ${event.data.resource.kind} ${event.data.resource.name}`;
    case 'ResourceReleased':
      return `released ${event.data.resource.kind} ${event.data.resource.name} (${event.data.how})`;
    case 'ConditionRaised':
      return `${event.data.condition.type}: ${event.data.condition.message}`;
    case 'CancelRequested':
      return `cancel asked for: ${event.data.reason}`;
    case 'RetryRequested':
      return `retry from ${event.data.step} asked for: ${event.data.reason}`;
    case 'CleanupDecided':
      return `has ${event.data.outcome}; ${event.data.release.length} resources go, ${event.data.keep.length} stay`;
    case 'VmMigrationSucceeded':
    case 'VmMigrationFailed':
    case 'VmMigrationCanceled':
      return event.data.condition.message;
    case 'VmMigrationAbandoned':
      return `given up: ${event.data.reason}`;
    default:
      return event.type;
  }
}

const percent = (done: number, total: number): string =>
  total === 0 ? '100%' : `${Math.floor((100 * done) / total)}%`;
