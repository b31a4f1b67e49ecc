import type { ServiceName, VmRecord } from '@ledgerlift/contracts';
import { posix } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import { claimsFor as claimsOfFiles } from '../../files/claims.js';
import type { LogTail } from '../../port.js';
import type { KubernetesConnection } from '../connection.js';
import { KubernetesNotFound, KubernetesRefused } from '../errors.js';
import { anewOnConflict, findObject } from '../objects.js';
import { assertOurs, type AtCluster, isOurs, ObjectMetadata, ownLabels } from '../ownership.js';
import { resources } from '../resources.js';
import { podName } from './names.js';
import { endOf, ShownLogsReader } from './shown-logs.js';
import { Pod } from './state.js';

/**
 * A VM's logs outlive its pod and its scratch claim: before a worker ends the pod, it reads the containers' output (`shown-logs.ts`) and
 * keeps the end of each log in its own ConfigMap. There may be thousands in the memory of the cluster's database, so they are
 * compressed: 128 KiB of such text take some 30 KiB.
 */
const KEPT_BYTES = 128 * 1024;
/** Number of lines to read from the end of a container's log. */
const TAIL_LINES = '20000';
/** Limit on how long a node that does not answer can delay the end of a pod. */
const PATIENCE_MS = 30_000;
const SILENCE_MS = 10_000;

const KeptLog = z.object({
  metadata: ObjectMetadata,
  data: z.record(z.string(), z.string()).default({}),
  binaryData: z.record(z.string(), z.string()).default({}),
});
const SIZE = 'sizeBytes';
const TEXT = 'log.gz';

/** Maps each log of a migration into a cluster to the container of its pod that writes it. Pure. */
export const logsOf = (record: VmRecord): ReadonlyMap<string, ServiceName> =>
  new Map(
    Object.values(claimsOfFiles(record))
      .flat()
      .filter(({ kind }) => kind === 'log')
      .map(({ name, service }) => [name, service]),
  );

/** Names the ConfigMap that keeps a log: `{pod}-virt-v2v`. @param log the name under which it is claimed */
export const keptLogName = (record: VmRecord, log: string): string =>
  `${podName(record)}-${posix.basename(log, '.log')}`;

/**
 * Keeps the end of each log that the VM's pod has printed. Call it before ending the pod. Never fails: ending the pod matters more, and
 * a retry cannot recover a log whose node is lost or that does not fit.
 */
export async function keepLogs(at: AtCluster, pod: Pod): Promise<void> {
  const signal = AbortSignal.any([at.guard.signal, AbortSignal.timeout(PATIENCE_MS)]);
  const within = { ...at, guard: { ...at.guard, signal } };
  for (const container of new Set(logsOf(at.record).values())) {
    try {
      for (const [name, tail] of await printedBy(
        at.connection,
        at.record,
        pod,
        container,
        KEPT_BYTES,
        signal,
      ))
        await keepLog(within, name, tail);
    } catch {
      // The caller checks that the attempt is still ours before it ends the pod.
    }
  }
}

/** Creates or updates the ConfigMap of a log. @throws NotOurs; the errors of the connection */
export async function keepLog(at: AtCluster, log: string, { text, sizeBytes }: LogTail): Promise<void> {
  const { connection, record, guard } = at;
  const { signal } = guard;
  const kind = resources.configMaps;
  const namespace = record.targetNamespace;
  const name = keptLogName(record, log);
  const content = {
    data: { log, [SIZE]: String(sizeBytes) },
    binaryData: { [TEXT]: gzipSync(endOf(text, KEPT_BYTES)).toString('base64') },
  };
  await anewOnConflict(async () => {
    const found = await findObject(connection, kind, { namespace, name }, KeptLog, signal);
    if (found !== undefined) assertOurs(kind, found, record);
    await guard.stillOurs();
    if (found === undefined) {
      const metadata = { ...ownLabels(record), name, namespace };
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata, ...content };
      await connection.call({ verb: 'create', kind, address: { namespace }, body, signal });
      return;
    }
    const { uid, resourceVersion } = found.metadata;
    await connection.call({
      verb: 'patch',
      kind,
      address: { namespace, name },
      contentType: 'application/merge-patch+json',
      body: { metadata: { uid, resourceVersion }, ...content },
      signal,
    });
  });
}

/** A request for the end of a log. */
export interface LogRequest {
  readonly record: VmRecord;
  /** The name under which it is claimed. */
  readonly log: string;
  readonly tailBytes: number;
  readonly signal: AbortSignal;
}

/**
 * Reads the end of a log, from the pod while it exists (it may still write), otherwise from its ConfigMap.
 *
 * @returns undefined if there is no such log
 * @throws the errors of the connection, if the log may exist
 */
export async function readLog(
  connection: KubernetesConnection,
  request: LogRequest,
): Promise<LogTail | undefined> {
  const { signal } = request;
  const printed = await printedLog(connection, request).catch((error: unknown) => {
    signal.throwIfAborted();
    return { unread: error };
  });
  if (printed !== undefined && 'text' in printed) return printed;
  const kept = await keptLog(connection, request);
  // A node that does not answer may have a newer log, but a kept one is better than none.
  if (kept === undefined && printed !== undefined) throw printed.unread;
  return kept;
}

async function printedLog(
  connection: KubernetesConnection,
  { record, log, tailBytes, signal }: LogRequest,
): Promise<LogTail | undefined> {
  const container = logsOf(record).get(log);
  const address = { namespace: record.targetNamespace, name: podName(record) };
  const pod = await findObject(connection, resources.pods, address, Pod, signal);
  if (container === undefined || pod === undefined || !isOurs(pod, record)) return undefined;
  return (await printedBy(connection, record, pod, container, tailBytes, signal)).get(log);
}

async function keptLog(
  connection: KubernetesConnection,
  { record, log, tailBytes, signal }: LogRequest,
): Promise<LogTail | undefined> {
  const address = { namespace: record.targetNamespace, name: keptLogName(record, log) };
  const kept = await findObject(connection, resources.configMaps, address, KeptLog, signal);
  if (kept === undefined || !isOurs(kept, record)) return undefined;
  const text = gunzipSync(Buffer.from(kept.binaryData[TEXT] ?? '', 'base64')).toString('utf8');
  return { text: endOf(text, tailBytes), sizeBytes: Number(kept.data[SIZE] ?? '0') };
}

/** Reads the end of each of the VM's logs that a container printed. Falls back to a restarted container's previous run. */
async function printedBy(
  connection: KubernetesConnection,
  record: VmRecord,
  pod: Pod,
  container: ServiceName,
  limit: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, LogTail>> {
  const status = pod.status.containerStatuses.find(({ name }) => name === container);
  const runs = status?.lastState.terminated === undefined ? [{}] : [{ previous: 'true' }, {}];
  const logs = logsOf(record);
  const found = new Map<string, LogTail>();
  for (const run of runs) {
    const reader = new ShownLogsReader(limit);
    try {
      const printed = await connection.open(
        {
          verb: 'get',
          kind: resources.pods,
          address: { namespace: record.targetNamespace, name: podName(record), subresource: 'log' },
          query: { container, tailLines: TAIL_LINES, ...run },
          signal,
        },
        SILENCE_MS,
      );
      for await (const chunk of printed) reader.push(chunk as Buffer);
    } catch (error) {
      // The container has not started yet, or the output of its last run is gone.
      if (!(error instanceof KubernetesRefused || error instanceof KubernetesNotFound)) throw error;
    }
    for (const [name, tail] of reader.tails()) if (logs.get(name) === container) found.set(name, tail);
  }
  return found;
}
