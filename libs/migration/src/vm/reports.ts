import { type DiskCheckpoint, type DomainEvent, type Report, resourceKey } from '@ledgerlift/contracts';
import type { VmLive } from './state.js';

/**
 * Events for the facts of a cumulative report that are not in the log yet. Without the outcome, whose consequences the
 * decider decides.
 */
export function newsOf(state: VmLive, report: Report): readonly DomainEvent[] {
  const at = { step: report.ref.step, attempt: report.ref.attempt, report: report.number };
  const events: DomainEvent[] = [];
  const releasedNow = new Set(report.released.map((release) => resourceKey(release.resource)));
  for (const resource of report.claimed) {
    // A resource that the same report releases was claimed earlier, and may already be out of the ledger.
    if (state.ledger[resourceKey(resource)] === undefined && !releasedNow.has(resourceKey(resource))) {
      events.push({ type: 'ResourceClaimed', data: { ...at, resource } });
    }
  }
  for (const resource of report.adopted ?? []) {
    if (state.adopted[resourceKey(resource)] === undefined) {
      events.push({ type: 'ResourceAdopted', data: { ...at, resource } });
    }
  }
  for (const release of report.released) {
    if (state.ledger[resourceKey(release.resource)] !== undefined) {
      events.push({ type: 'ResourceReleased', data: { ...at, ...release } });
    }
  }
  for (const condition of report.conditions) {
    const known = state.conditions.some(
      (each) =>
        each.type === condition.type &&
        each.reason === condition.reason &&
        each.message === condition.message,
    );
    if (!known) events.push({ type: 'ConditionRaised', data: { ...at, condition } });
  }
  const checkpoints = report.checkpoints.filter((checkpoint) =>
    isNews(state.checkpoints[checkpoint.diskId], checkpoint),
  );
  if (checkpoints.length > 0) events.push({ type: 'StepCheckpointed', data: { ...at, checkpoints } });
  return events;
}

const isNews = (known: DiskCheckpoint | undefined, checkpoint: DiskCheckpoint): boolean =>
  known?.momentId !== checkpoint.momentId ||
  known.manifestDigest !== checkpoint.manifestDigest ||
  known.bytesDone !== checkpoint.bytesDone;
