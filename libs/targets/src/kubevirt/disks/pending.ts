import { z } from 'zod';
import { listObjects } from '../objects.js';
import type { AtCluster } from '../ownership.js';
import { resources } from '../resources.js';
import { findClaim } from './claims.js';

const Event = z.object({
  type: z.string().default('Normal'),
  reason: z.string().default(''),
  message: z.string().default(''),
  // Which of the two is there depends on which API the event was written with.
  lastTimestamp: z.string().nullish(),
  eventTime: z.string().nullish(),
  metadata: z.object({ creationTimestamp: z.string().default('') }),
});
type Event = z.infer<typeof Event>;

/** Said of a claim that waits for a pod, as it should (kubernetes v1.34, pkg/controller/volume/events/event.go). */
const AS_IT_SHOULD = new Set(['WaitForFirstConsumer', 'WaitForPodScheduled']);

/**
 * Why a claim has no volume, for messages: the newest of what the cluster says of it, warnings first.
 *
 * @returns undefined where it has one, where it only waits for its first pod, or where nothing is said
 */
export async function whyPending(at: AtCluster, claimName: string): Promise<string | undefined> {
  const claim = await findClaim(at, claimName);
  if (claim?.phase !== 'Pending') return undefined;
  const { namespace, uid } = claim.metadata;
  // Events outlive their object: only those of this claim count, not of an earlier one of the name.
  const fieldSelector = `involvedObject.name=${claimName},involvedObject.uid=${uid}`;
  const { connection, guard } = at;
  const events = await listObjects(
    connection,
    resources.events,
    { namespace, fieldSelector },
    Event,
    guard.signal,
  );
  const newest = events.toSorted((one, other) => (timeOf(one) < timeOf(other) ? 1 : -1));
  const last = newest[0];
  if (last === undefined || AS_IT_SHOULD.has(last.reason)) return undefined;
  const telling = newest.find(({ type }) => type === 'Warning') ?? last;
  return `${telling.reason}: ${telling.message}`;
}

const timeOf = ({ lastTimestamp, eventTime, metadata }: Event): string =>
  lastTimestamp ?? eventTime ?? metadata.creationTimestamp;
