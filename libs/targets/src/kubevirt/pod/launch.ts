import type { Release } from '@ledgerlift/contracts';
import { RecordMismatch } from '../../errors.js';
import type { PodLaunch } from '../../port.js';
import type { ApiResource } from '../addresses.js';
import { described } from '../addresses.js';
import { whyPending } from '../disks/pending.js';
import { KubernetesAlreadyExists, ObjectEnding, PodEndUnknown, PodNotStarting } from '../errors.js';
import { anewOnConflict, deleteObject, findObject } from '../objects.js';
import { type AtCluster, ObjectMetadata, assertOurs, isOurs } from '../ownership.js';
import { withinQuota } from '../quota.js';
import { resources } from '../resources.js';
import { type WaitTimes, untilSeen } from '../until-seen.js';
import { z } from 'zod';
import { podName, scratchName } from './names.js';
import { type PartObject, type PodSecrets, scratchObject, secretObject, secretsOfPod } from './parts.js';
import { CREDENTIAL_KEY, DESCRIBED, podObject } from './pod-object.js';
import { Pod, stateOf } from './state.js';

/** How long a pod may take. Milliseconds. */
export interface PodPatience {
  /** To run, since it was made. */
  readonly startMs: number;
  /** To end, beyond its own grace. */
  readonly endMs: number;
  readonly times?: WaitTimes;
}
/** Image pulls and volumes that are made take their time. */
const PATIENCE: PodPatience = { startMs: 600_000, endMs: 180_000 };

const Bare = z.object({ metadata: ObjectMetadata });
const Secret = Bare.extend({ data: z.record(z.string(), z.string()).default({}) });
type Bare = z.infer<typeof Bare>;

/**
 * Sees that the VM's worker pod runs, or is on its way: makes it with all that it mounts, or makes it again where it is over. One whose end is
 * not certain is never replaced: it may still write.
 *
 * @returns whether the pod runs
 * @throws PodNotStarting, where it cannot start, or takes too long: with the cause that the cluster names
 * @throws PodEndUnknown, where its node is lost; NotOurs; ObjectEnding; QuotaExceeded; SecretMissing; the errors of the connection
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
      // Whoever retries, once the cause is removed, gets a new pod, and does not wait for what this one waits for.
      await endPod(at, patience);
      throw new PodNotStarting(named(at), cause, sinceMs);
    }
    await endPod(at, patience);
  }
  await make(at, resources.claims, scratchObject(record, worker.scratchStorageClass));
  await putSecret(at, launch, secrets);
  await make(at, resources.pods, object);
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

/** What keeps a pod from starting is often a claim of it that has no volume. */
async function causeOf(at: AtCluster, why: string): Promise<string> {
  const { record } = at;
  for (const claim of [...record.disks.map(({ pvcName }) => pvcName), scratchName(record)]) {
    const pending = await whyPending(at, claim);
    if (pending !== undefined) return `the claim "${claim}" has no volume: ${pending}`;
  }
  return why;
}

/** Makes an object of ours, or finds it. @throws NotOurs where the name is somebody else's; ObjectEnding */
async function make(at: AtCluster, kind: ApiResource, body: PartObject): Promise<void> {
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
    return;
  }
  await guard.stillOurs();
  try {
    await withinQuota(() => connection.call({ verb: 'create', kind, address: { namespace }, body, signal }));
  } catch (error) {
    if (!(error instanceof KubernetesAlreadyExists)) throw error;
    await make(at, kind, body);
  }
}

/** Makes the secret, or gives it its new content: a pod that has it mounted sees it a little later. */
async function putSecret(at: AtCluster, { credential }: PodLaunch, secrets: PodSecrets): Promise<void> {
  const { connection, record, guard } = at;
  const { signal } = guard;
  const address = { namespace: record.targetNamespace, name: podName(record) };
  const found = await findObject(connection, resources.secrets, address, Secret, signal);
  if (found === undefined) {
    await make(at, resources.secrets, secretObject(record, await credential(undefined), secrets));
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
 * Ends the VM's worker pod, and sees it gone: until then it may write.
 *
 * @returns `absent` where there was none, or it is not ours
 * @throws PodEndUnknown, where its node does not say that it has ended
 */
export async function endPod(
  at: AtCluster,
  { endMs, times }: Omit<PodPatience, 'startMs'> = PATIENCE,
): Promise<Release['how']> {
  const { connection, record, guard } = at;
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
      // Kubernetes takes a pod away only once its node has said that its containers ended, or the node is given up as out of service.
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

/** Takes away the secret or the scratch claim of a pod that is gone. */
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
