import type { DomainEvent, HistoryEntry, StepResult } from '@ledgerlift/contracts';
import { type StoredEvent, domainEvent } from '@ledgerlift/event-log';

/** An event as stored in the log, with a sentence for people. */
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
      return 'admitted: holds a slot';
    case 'StepRequested':
      return `${event.data.step} requested from ${event.data.service} at ${event.data.site}, attempt ${event.data.attempt}`;
    case 'StepStarted':
      return `${event.data.step} started by ${event.data.worker}, attempt ${event.data.attempt}`;
    case 'StepCheckpointed':
      return `${event.data.step} at ${event.data.checkpoints.map(({ diskId, bytesDone, bytesTotal }) => `${diskId} ${percent(bytesDone, bytesTotal)}`).join(', ')}`;
    case 'StepCompleted':
      return `${event.data.step} completed${waysIn(event.data.result)}`;
    case 'StepFailed':
      return `${event.data.step} failed, ${event.data.error.class}: ${event.data.error.message}`;
    case 'RetryScheduled':
      return `${event.data.step} will be retried at ${event.data.dueAt}, attempt ${event.data.attempt}`;
    case 'ResourceClaimed':
      return `claimed ${event.data.resource.kind} ${event.data.resource.name}`;
    case 'ResourceReleased':
      return `released ${event.data.resource.kind} ${event.data.resource.name} (${event.data.how})`;
    case 'ConditionRaised':
      return `${event.data.condition.type}: ${event.data.condition.message}`;
    case 'CancelRequested':
      return `cancel requested: ${event.data.reason}`;
    case 'RetryRequested':
      return `retry from ${event.data.step} requested: ${event.data.reason}`;
    case 'CleanupDecided':
      return `${event.data.outcome}: removing ${counted(event.data.release)}, keeping ${counted(event.data.keep)}`;
    case 'VmMigrationSucceeded':
    case 'VmMigrationFailed':
    case 'VmMigrationCanceled':
    case 'VmMigrationRolledBack':
      return event.data.condition.message;
    default:
      return steeringSentence(event);
  }
}

/** How the disks were read, if the source offers several ways. */
function waysIn(result: StepResult): string {
  if (result.step !== 'DiskTransfer') return '';
  const ways = result.disks.flatMap(({ way }) => (way === undefined ? [] : [`${way.kind}: ${way.why}`]));
  return [...new Set(ways)].map((way) => `; read by ${way}`).join('');
}

/** Sentences for steering: pause, cutover, rollback and the like. */
function steeringSentence(event: DomainEvent): string {
  switch (event.type) {
    case 'CleanupRequested':
      return event.data.what === 'target'
        ? `deletion of the target requested: ${event.data.reason}`
        : `another clean-up requested: ${event.data.reason}`;
    case 'VmMigrationAbandoned':
      return `abandoned: ${event.data.reason}`;
    case 'ResourceAdopted':
      return `adopted ${event.data.resource.kind} ${event.data.resource.name}, which existed before`;
    case 'StepStopped':
      return `${event.data.step} stopped: ${event.data.reason}`;
    case 'StepPassedOver':
      return `${event.data.step} skipped`;
    case 'PrecopyScheduled':
      return event.data.dueAt === undefined
        ? `round ${event.data.round - 1} completed; the next one is the last, at the cutover`
        : `round ${event.data.round} scheduled for ${event.data.dueAt}`;
    case 'PrecopyStarted':
      return `round ${event.data.round} started`;
    case 'CutoverScheduled':
      return `cutover scheduled for ${event.data.dueAt}: ${event.data.reason}; expected downtime ${seconds(event.data.forecast.downtimeMs)}`;
    case 'CutoverPassDecided':
      return event.data.pass === 'finish'
        ? 'finishing the running round before the cutover, which makes the downtime shorter'
        : 'breaking off the running round for the cutover, which makes the downtime shorter';
    case 'CutoverDeferred':
      return `cutover postponed${event.data.dueAt === undefined ? '' : ` to ${event.data.dueAt}`}: ${event.data.reason}`;
    case 'PowerOffDeferred':
      return `power-off of the source postponed to ${event.data.dueAt}: ${event.data.reason}`;
    case 'PowerOffDue':
      return 'the maintenance window for the power-off is open';
    case 'CutoverWithdrawn':
      return `cutover withdrawn: ${event.data.reason}`;
    case 'CutoverApproved':
      return `cutover${event.data.request === undefined ? '' : ` at ${event.data.request.dueAt}`} approved: ${event.data.reason}`;
    case 'CutoverReleased':
      return `the plan's cutover hooks have succeeded: ${event.data.hooks.join(', ')}`;
    case 'CutoverStarted':
      return `cutover started; expected downtime ${seconds(event.data.forecast.downtimeMs)}`;
    case 'TestBootRequested':
      return `test boot requested: ${event.data.reason}`;
    case 'TestBootEnded':
      return `test boot ${event.data.booted ? 'succeeded' : 'failed'}: ${event.data.evidence}`;
    case 'PauseRequested':
      return `pause requested: ${event.data.reason}`;
    case 'VmMigrationPaused':
      return 'paused';
    case 'ResumeRequested':
      return `resume requested: ${event.data.reason}`;
    case 'SourceRanMeanwhile':
      return `the source ran after its power-off; powering it off and reading it again: ${event.data.reason}`;
    case 'SnapshotLost':
      return `snapshot lost, taking another: ${event.data.reason}`;
    case 'RollbackRequested':
      return `rollback requested: ${event.data.reason}; writes to the target from ${event.data.lostFrom} to ${event.data.lostTo} are lost`;
    case 'PlannerReturned':
      return `a planner leads again; time limits do not count the time since ${event.data.lastLedAt}`;
    case 'PlannerStopped':
      return 'planner stopped';
    default:
      return event.type;
  }
}

const counted = (resources: readonly unknown[]): string =>
  resources.length === 0 ? 'none' : `${resources.length} resource${resources.length === 1 ? '' : 's'}`;

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const percent = (done: number, total: number): string =>
  total === 0 ? '100%' : `${Math.floor((100 * done) / total)}%`;
