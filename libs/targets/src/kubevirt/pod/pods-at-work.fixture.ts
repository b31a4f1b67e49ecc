import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import type { VmRecord } from '@ledgerlift/contracts';
import { type TemporaryFolder, temporaryFolder, until } from '@ledgerlift/testing';
import { mkdir, writeFile } from 'node:fs/promises';
import type { PodLaunch } from '../../port.js';
import { CLAIMS, NAMESPACE, PODS, QUICK, TestCluster } from '../at-cluster.fixture.js';
import { ensurePod, type PodPatience } from './launch.js';
import { podName, scratchName } from './names.js';
import { clusterRecord, vsphere, workerPods } from './pod-record.fixture.js';

export const SECRETS = `/api/v1/namespaces/${NAMESPACE}/secrets`;
const CLASSES = '/apis/storage.k8s.io/v1/storageclasses';
export const MiB = 2 ** 20;
export const MINUTE = 60_000;
export const HELD = ['test.example/held'];
/** Pods without a node are gone at once; what takes longer is held on purpose. */
export const PATIENT: PodPatience = { startMs: 10 * MINUTE, endMs: 120_000, times: QUICK };
export const IMPATIENT: PodPatience = { ...PATIENT, endMs: 300 };

export let cluster: TestCluster;
let folder: TemporaryFolder;
const before = process.env['LEDGERLIFT_SECRETS_DIR'];

beforeAll(async () => {
  cluster = await TestCluster.start({ extras: 'definitions', controllerManager: true });
  const { admin } = cluster.kubernetes;
  // Every pod of these specs passes the real admission.
  await admin.patch(`/api/v1/namespaces/${NAMESPACE}`, {
    metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  });
  await admin.create(CLASSES, {
    metadata: { name: 'waits' },
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
  });
  folder = temporaryFolder('pod-secrets');
  await secret('vcenter', { user: 'TheUser', password: 'ThePassword' });
  await secret('esxi', { user: 'root', password: 'OfTheHost' });
  const { token = '' } = cluster.credentials;
  await secret('cluster', { kubeconfig: await cluster.kubernetes.kubeconfig({ token }) });
  process.env['LEDGERLIFT_SECRETS_DIR'] = folder.path;
  await until('the namespace has its service account', () =>
    cluster.isThere(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts/default`),
  );
});
afterAll(async () => {
  if (before === undefined) delete process.env['LEDGERLIFT_SECRETS_DIR'];
  else process.env['LEDGERLIFT_SECRETS_DIR'] = before;
  await cluster[Symbol.asyncDispose]();
  await folder.remove();
});

export async function secret(name: string, keys: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder.file(name), { recursive: true });
  for (const [key, content] of Object.entries(keys)) await writeFile(folder.file(`${name}/${key}`), content);
}

let made = 0;
/** Of the test that runs. */
export let record: VmRecord;
/** Has the rest of the test work on another VM, or on the same one as it would be made now. */
export const workOn = (other: VmRecord): void => {
  record = other;
};
beforeEach(() => {
  made += 1;
  record = recordOf(`pod${made}`);
});

/** Of a VM whose names are those of no other test. */
export function recordOf(
  targetName: string,
  worker = workerPods({ scratchStorageClass: 'waits' }),
): VmRecord {
  const names = {
    targetNamespace: NAMESPACE,
    migrationId: targetName,
    targetName,
    folder: `${NAMESPACE}/${targetName}`,
  };
  const base = clusterRecord({ provider: vsphere, record: names }, worker);
  const disks = base.disks.map((disk, index) => {
    const pvcName = `${targetName}-${index}`;
    return { ...disk, pvcName, name: `${NAMESPACE}/${pvcName}` };
  });
  return { ...base, disks };
}

export interface Kept {
  readonly metadata: {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: { readonly containers?: readonly { readonly resources: { readonly requests: object } }[] };
}
export const podPath = (): string => `${PODS}/${podName(record)}`;
export const secretPath = (): string => `${SECRETS}/${podName(record)}`;
export const scratchPath = (): string => `${CLAIMS}/${scratchName(record)}`;
export const see = (path: string): Promise<Kept> => cluster.kubernetes.admin.call<Kept>(path);
export const areThere = (): Promise<boolean[]> =>
  Promise.all([podPath(), secretPath(), scratchPath()].map((path) => cluster.isThere(path)));
export async function contentOf(key: string): Promise<string> {
  const { data = {} } = await see(secretPath());
  return Buffer.from(data[key] ?? '', 'base64').toString('utf8');
}

/** Without nodes there is no kubelet: what it would say of the pod, this says. */
export const tell = (status: object): Promise<unknown> =>
  cluster.kubernetes.admin.patch(`${podPath()}/status`, { status });
export const hold = (finalizers: readonly string[] | null = HELD, path = podPath()): Promise<unknown> =>
  cluster.kubernetes.admin.patch(path, { metadata: { finalizers } });
/** What a test held is let go, so that nothing is left that cannot end. */
let held: string[] = [];
afterEach(async () => {
  for (const path of held) await hold(null, path).catch(() => undefined);
  held = [];
});
export async function holdForTest(path = podPath()): Promise<void> {
  await hold(HELD, path);
  held.push(path);
}

export let asked: (string | undefined)[] = [];
beforeEach(() => {
  asked = [];
});
/** The credential lasts: what it is called with comes back, and is made only once. */
export const launch = (over: Partial<PodLaunch> = {}): PodLaunch => ({
  site: 'local',
  credential: (earlier) => {
    asked.push(earlier);
    return Promise.resolve(earlier ?? 'credential 1');
  },
  now: new Date(),
  ...over,
});
export const ensure = (over: Partial<PodLaunch> = {}, patience = PATIENT): Promise<string> =>
  ensurePod(cluster.at(record), launch(over), patience);
/** So long after the pod was made. */
export const later = async (ms: number): Promise<Date> =>
  new Date(Date.parse((await see(podPath())).metadata.creationTimestamp) + ms);
