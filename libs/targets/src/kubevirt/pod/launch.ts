import type { Release } from '@ledgerlift/contracts';
import { z } from 'zod';
import { RecordMismatch } from '../../errors.js';
import type { PodLaunch } from '../../port.js';
import { withinQuota } from '../disks/claims.js';
import { whyPending } from '../disks/holders.js';
import { KubernetesAlreadyExists, ObjectEnding, PodEndUnknown, PodNotStarting } from '../errors.js';
import { anewOnConflict, deleteObject, findObject } from '../objects.js';
import { assertOurs, type AtCluster, isOurs, ObjectMetadata } from '../ownership.js';
import { type ApiResource, described, resources } from '../resources.js';
import { untilSeen, type WaitTimes } from '../until-seen.js';
import { keepLogs } from './kept-logs.js';
import { podName, scratchName } from './names.js';
import { type PartObject, type PodSecrets, scratchObject, secretObject, secretsOfPod } from './parts.js';
import { CREDENTIAL_KEY, DESCRIBED, podObject } from './pod-object.js';
import { Pod, stateOf } from './state.js';

/** Time limits for a pod. */
export interface PodPatience {
  /** From its creation until it runs. */
  readonly startMs: number;
  /** For its end, beyond its own grace period. */
  readonly endMs: number;
  readonly times?: WaitTimes;
}
/** Long enough for image pulls and for creating volumes. */
const PATIENCE: PodPatience = { startMs: 600_000, endMs: 180_000 };

const Bare = z.object({ metadata: ObjectMetadata });
const Secret = Bare.extend({ data: z.record(z.string(), z.string()).default({}) });
type Bare = z.infer<typeof Bare>;

/**
 * Creates the VM's worker pod with everything that it mounts, unless it runs or is starting, and replaces a pod that has ended. Never
 * replaces a pod that may still run, because it may still write.
 *
 * @returns whether the pod runs
 * @throws PodNotStarting if it cannot start, or takes too long, with the cluster's reason
 * @throws PodEndUnknown if its node is lost; NotOurs; ObjectEnding; QuotaExceeded; SecretMissing; the errors of the connection
 */
export async function ensurePod(
  at: AtCluster,
  launch: PodLaunch,
  patience = PATIENCE,
): Promise<'running' | 'starting'> {
  const { record } = at;
  const { target } = record;
  if (target.type !== 'kubevirt' || target.settings.worker === undefined)
    throw new RecordMismatch(`the target of "${record.targetName}" has no settings for worker pods`);
  const { worker } = target.settings;
  const secrets = await secretsOfPod(record);
  const keys = new Map([...secrets].map(([name, each]) => [name, Object.keys(each)]));
  const object = podObject({ record, worker, site: launch.site, secrets: keys });
  const pod = await findPod(at);
  if (pod !== undefined) {
    assertOurs(resources.pods, pod, record);
    const state = stateOf(pod);
    const isAsDescribed = pod.metadata.annotations[DESCRIBED] === object.metadata.annotations[DESCRIBED];
    if (isAsDescribed && state.is === 'running') {
      await putSecret(at, launch, secrets);
      return 'running';
    }
    if (isAsDescribed && state.is === 'starting') {
      const sinceMs = launch.now.getTime() - Date.parse(pod.metadata.creationTimestamp);
      if (sinceMs <= patience.startMs) return 'starting';
      const cause = await causeOf(at, state.why);
      // A retry, after the cause is fixed, then gets a new pod that does not wait for the old cause.
      await endPod(at, patience);
      throw new PodNotStarting(named(at), cause, sinceMs);
    }
    await endPod(at, patience);
  }
  const scratch = await make(at, resources.claims, scratchObject(record, worker.scratchStorageClass));
  await putSecret(at, launch, secrets, scratch);
  await make(at, resources.pods, object, scratch);
  return 'starting';
}

const findPod = ({ connection, record, guard }: AtCluster): Promise<Pod | undefined> =>
  findObject(
    connection,
    resources.pods,
    { namespace: record.targetNamespace, name: podName(record) },
    Pod,
    guard.signal,
  );

const named = ({ record }: AtCluster): string =>
  described(resources.pods, { namespace: record.targetNamespace, name: podName(record) });

/** A pod often cannot start because one of its claims has no volume. */
async function causeOf(at: AtCluster, why: string): Promise<string> {
  const { record } = at;
  for (const claim of [...record.disks.map(({ pvcName }) => pvcName), scratchName(record)]) {
    const pending = await whyPending(at, claim);
    if (pending !== undefined) return `the claim "${claim}" has no volume: ${pending}`;
  }
  return why;
}

/**
 * Creates one of our objects, or finds it.
 *
 * @param owner the scratch claim. It deletes even an object that the API server creates late, after a cleanup that did not know of it
 * @throws NotOurs if the name belongs to somebody else; ObjectEnding
 */
async function make(at: AtCluster, kind: ApiResource, body: PartObject, owner?: Bare): Promise<Bare> {
  const { connection, record, guard } = at;
  const { signal } = guard;
  const namespace = record.targetNamespace;
  const { name } = body.metadata;
  const found = await findObject(connection, kind, { namespace, name }, Bare, signal);
  if (found !== undefined) {
    assertOurs(kind, found, record);
    const { deletionTimestamp } = found.metadata;
    if (deletionTimestamp !== undefined)
      throw new ObjectEnding(described(kind, { namespace, name }), deletionTimestamp);
    return found;
  }
  const owned = owner === undefined ? {} : { ownerReferences: [scratchAsOwner(owner)] };
  const object = { ...body, metadata: { ...body.metadata, ...owned } };
  const address = { namespace };
  await guard.stillOurs();
  try {
    return await withinQuota(() =>
      connection.read({ verb: 'create', kind, address, body: object, signal }, Bare),
    );
  } catch (error) {
    if (!(error instanceof KubernetesAlreadyExists)) throw error;
    return make(at, kind, body, owner);
  }
}

const scratchAsOwner = ({ metadata: { name, uid } }: Bare): object => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  name,
  uid,
});

/** Creates or updates the secret. A pod that mounts it sees the new content a little later. */
async function putSecret(
  at: AtCluster,
  { credential }: PodLaunch,
  secrets: PodSecrets,
  owner?: Bare,
): Promise<void> {
  const { connection, record, guard } = at;
  const { signal } = guard;
  const address = { namespace: record.targetNamespace, name: podName(record) };
  const found = await findObject(connection, resources.secrets, address, Secret, signal);
  if (found === undefined) {
    await make(at, resources.secrets, secretObject(record, await credential(undefined), secrets), owner);
    return;
  }
  assertOurs(resources.secrets, found, record);
  const before = Buffer.from(found.data[CREDENTIAL_KEY] ?? '', 'base64').toString('utf8');
  const body = secretObject(record, await credential(before), secrets);
  await guard.stillOurs();
  await connection.call({
    verb: 'patch',
    kind: resources.secrets,
    address,
    contentType: 'application/merge-patch+json',
    body: { metadata: { uid: found.metadata.uid }, stringData: body.stringData },
    signal,
  });
}

/**
 * Keeps the logs of the VM's worker pod, ends the pod and waits until it is gone, because it may write until then.
 *
 * @returns `absent` if there was none, or it is not ours
 * @throws PodEndUnknown if its node does not confirm that it has ended
 */
export async function endPod(
  at: AtCluster,
  { endMs, times }: Omit<PodPatience, 'startMs'> = PATIENCE,
): Promise<Release['how']> {
  const { connection, record, guard } = at;
  const there = await findPod(at);
  if (there !== undefined && isOurs(there, record)) await keepLogs(at, there);
  const uid = await anewOnConflict(async () => {
    const pod = await findPod(at);
    if (pod === undefined || !isOurs(pod, record)) return undefined;
    if (pod.metadata.deletionTimestamp === undefined)
      await deleteObject(connection, resources.pods, pod.metadata, 'Background', guard);
    return pod.metadata.uid;
  });
  if (uid === undefined) return 'absent';
  const late = AbortSignal.timeout(endMs);
  const name = podName(record);
  const selection = { namespace: record.targetNamespace, fieldSelector: `metadata.name=${name}` };
  try {
    return await untilSeen(
      connection,
      [{ kind: resources.pods, selection }],
      // Kubernetes removes a pod only after its node confirmed that the containers ended, or the node was tainted as out of service.
      async () => ((await findPod(at))?.metadata.uid === uid ? undefined : 'removed'),
      AbortSignal.any([guard.signal, late]),
      times,
    );
  } catch (error) {
    guard.signal.throwIfAborted();
    const node = (await findPod(at))?.spec.nodeName;
    throw late.aborted ? new PodEndUnknown(named(at), node) : error;
  }
}

/** Removes the secret or the scratch claim of a pod that is gone. */
export async function releasePart(at: AtCluster, kind: ApiResource, name: string): Promise<Release['how']> {
  const { connection, record, guard } = at;
  return anewOnConflict(async () => {
    const address = { namespace: record.targetNamespace, name };
    const found = await findObject(connection, kind, address, Bare, guard.signal);
    if (found === undefined || !isOurs(found, record)) return 'absent';
    const how = await deleteObject(connection, kind, found.metadata, 'Background', guard);
    return how === 'absent' ? 'absent' : 'removed';
  });
}
