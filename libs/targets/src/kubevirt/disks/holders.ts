import { z } from 'zod';
import { resources } from '../resources.js';
import type { KubernetesConnection } from '../connection.js';
import { listObjects } from '../objects.js';
import type { AtCluster } from '../ownership.js';
import { findClaim } from './claims.js';

const Named = z.object({ claimName: z.string() }).optional();
const Metadata = z.object({ name: z.string() });
/** Phases of pods and VM instances whose containers have all ended, so that they hold no claims. */
const ENDED = new Set(['Succeeded', 'Failed']);

const Status = z.object({ phase: z.string().default('Pending') }).prefault({});
const PodUser = z
  .object({
    metadata: Metadata,
    spec: z.object({ volumes: z.array(z.object({ persistentVolumeClaim: Named })).default([]) }),
    status: Status,
  })
  .transform(({ metadata: { name }, spec: { volumes }, status: { phase } }) => ({
    who: `the pod "${name}"`,
    hasEnded: ENDED.has(phase),
    claims: volumes.flatMap(({ persistentVolumeClaim: claim }) =>
      claim === undefined ? [] : [claim.claimName],
    ),
  }));

// kubevirt.io/api v1.8.0, core/v1/schema.go, VolumeSource: every kind of volume that uses a claim.
const InstanceUser = z
  .object({
    metadata: Metadata,
    spec: z.object({
      volumes: z
        .array(
          z.object({
            persistentVolumeClaim: Named,
            dataVolume: z.object({ name: z.string() }).optional(),
            ephemeral: z.object({ persistentVolumeClaim: Named }).optional(),
            memoryDump: Named,
          }),
        )
        .default([]),
    }),
    status: Status,
  })
  .transform(({ metadata: { name }, spec: { volumes }, status: { phase } }) => ({
    who: `the VM instance "${name}"`,
    hasEnded: ENDED.has(phase),
    claims: volumes.flatMap(({ persistentVolumeClaim, dataVolume, ephemeral, memoryDump }) =>
      [
        persistentVolumeClaim?.claimName,
        // CDI gives the claim of a DataVolume its name.
        dataVolume?.name,
        ephemeral?.persistentVolumeClaim?.claimName,
        memoryDump?.claimName,
      ].filter((claim) => claim !== undefined),
    ),
  }));

/** A pod or VM instance, and the claims that it uses. */
export interface ClaimUser {
  /** Such as `the pod "backup"`. */
  readonly who: string;
  readonly claims: readonly string[];
}

/** Lists the current users of claims in a namespace. VM instances come first, because they name the user better than their pods. */
export async function claimUsers(
  connection: KubernetesConnection,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly ClaimUser[]> {
  const [instances, pods] = await Promise.all([
    listObjects(connection, resources.instances, { namespace }, InstanceUser, signal),
    listObjects(connection, resources.pods, { namespace }, PodUser, signal),
  ]);
  return [...instances, ...pods].filter(({ hasEnded, claims }) => !hasEnded && claims.length > 0);
}

/** @returns the first of these claims that is in use, with its user; undefined if none is */
export async function holderOf(
  at: AtCluster,
  claims: readonly string[],
): Promise<{ readonly claim: string; readonly who: string } | undefined> {
  const users = await claimUsers(at.connection, at.record.targetNamespace, at.guard.signal);
  for (const claim of claims) {
    const user = users.find((each) => each.claims.includes(claim));
    if (user !== undefined) return { claim, who: user.who };
  }
  return undefined;
}

const Event = z.object({
  type: z.string().default('Normal'),
  reason: z.string().default(''),
  message: z.string().default(''),
  // Which of the two is set depends on the API that wrote the event.
  lastTimestamp: z.string().nullish(),
  eventTime: z.string().nullish(),
  metadata: z.object({ creationTimestamp: z.string().default('') }),
});
type Event = z.infer<typeof Event>;

/** Events of a claim that waits for a pod, as expected (kubernetes v1.34, pkg/controller/volume/events/event.go). */
const AS_IT_SHOULD = new Set(['WaitForFirstConsumer', 'WaitForPodScheduled']);

/**
 * Tells why a claim has no volume, for messages: its newest event, warnings first.
 *
 * @returns undefined if it has a volume, only waits for its first pod, or has no events
 */
export async function whyPending(at: AtCluster, claimName: string): Promise<string | undefined> {
  const claim = await findClaim(at, claimName);
  if (claim?.phase !== 'Pending') return undefined;
  const { namespace, uid } = claim.metadata;
  // Events outlive their object, so exclude those of an earlier claim of the same name.
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
