import type { DomainEvent, HistoryEntry, StepResult } from '@ledgerlift/contracts';
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
      return `${event.data.step} completed${waysIn(event.data.result)}`;
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
    case 'VmMigrationRolledBack':
      return event.data.condition.message;
    default:
      return steeringSentence(event);
  }
}

/** In which ways disks were read, each once, where a source offers several. */
function waysIn(result: StepResult): string {
  if (result.step !== 'DiskTransfer') return '';
  const ways = result.disks.flatMap(({ way }) => (way === undefined ? [] : [`${way.kind}: ${way.why}`]));
  return [...new Set(ways)].map((way) => `; read by ${way}`).join('');
}

/** What stops, goes on and is cut over, and by whom it was asked. */
function steeringSentence(event: DomainEvent): string {
  switch (event.type) {
    case 'CleanupRequested':
      return event.data.what === 'target'
        ? `deletion of the target requested: ${event.data.reason}`
        : `another clean-up requested: ${event.data.reason}`;
    case 'VmMigrationAbandoned':
      return `given up: ${event.data.reason}`;
    case 'ResourceAdopted':
      return `adopted ${event.data.resource.kind} ${event.data.resource.name}: it was there before`;
    case 'StepStopped':
      return `${event.data.step} stopped: ${event.data.reason}`;
    case 'StepPassedOver':
      return `${event.data.step} is left out`;
    case 'PrecopyScheduled':
      return event.data.dueAt === undefined
        ? `pass ${event.data.round - 1} is complete; the next is the last, at the cutover`
        : `pass ${event.data.round} is to begin at ${event.data.dueAt}`;
    case 'PrecopyStarted':
      return `pass ${event.data.round} begins`;
    case 'CutoverScheduled':
      return `cutover at ${event.data.dueAt}: ${event.data.reason}; downtime ${seconds(event.data.forecast.downtimeMs)} expected`;
    case 'CutoverPassDecided':
      return event.data.pass === 'finish'
        ? 'the pass under way is finished before the cutover: so the downtime is shorter'
        : 'the pass under way is broken off for the cutover: so the downtime is shorter';
    case 'CutoverDeferred':
      return `cutover put off${event.data.dueAt === undefined ? '' : ` to ${event.data.dueAt}`}: ${event.data.reason}`;
    case 'PowerOffDeferred':
      return `the power-off of the source is put off to ${event.data.dueAt}: ${event.data.reason}`;
    case 'PowerOffDue':
      return 'the window for the power-off of the source is open';
    case 'CutoverWithdrawn':
      return `cutover withdrawn: ${event.data.reason}`;
    case 'CutoverApproved':
      return `cutover${event.data.request === undefined ? '' : ` at ${event.data.request.dueAt}`} approved: ${event.data.reason}`;
    case 'CutoverReleased':
      return `the plan's hooks at the cutover are done: ${event.data.hooks.join(', ')}`;
    case 'CutoverStarted':
      return `cutover begins; downtime ${seconds(event.data.forecast.downtimeMs)} expected`;
    case 'TestBootRequested':
      return `test boot asked for: ${event.data.reason}`;
    case 'TestBootEnded':
      return `test boot: ${event.data.booted ? 'it boots' : 'it does not boot'}: ${event.data.evidence}`;
    case 'PauseRequested':
      return `pause asked for: ${event.data.reason}`;
    case 'VmMigrationPaused':
      return 'paused';
    case 'ResumeRequested':
      return `resume asked for: ${event.data.reason}`;
    case 'SourceRanMeanwhile':
      return `the source ran meanwhile, and is powered off and read again: ${event.data.reason}`;
    case 'SnapshotLost':
      return `the snapshot is lost, and another is made: ${event.data.reason}`;
    case 'RollbackRequested':
      return `rollback asked for: ${event.data.reason}; what was written from ${event.data.lostFrom} to ${event.data.lostTo} is lost`;
    case 'PlannerReturned':
      return `a planner leads again; time limits do not count the time since ${event.data.lastLedAt}`;
    case 'PlannerStopped':
      return 'the planner was stopped';
    default:
      return event.type;
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const percent = (done: number, total: number): string =>
  total === 0 ? '100%' : `${Math.floor((100 * done) / total)}%`;
