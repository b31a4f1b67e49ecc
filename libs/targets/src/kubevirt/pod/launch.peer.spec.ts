import { mkdir, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Resource, VmRecord } from '@ledgerlift/contracts';
import { type TemporaryFolder, temporaryFolder, until } from '@ledgerlift/testing';
import { NotOurs } from '../../errors.js';
import type { PodLaunch } from '../../port.js';
import { inReleaseOrder } from '../../release-order.js';
import { targetVm } from '../../vm-model/index.js';
import type { Guard, Workplace } from '../../workplace.js';
import {
  CLAIMS,
  NAMESPACE,
  PODS,
  QUICK,
  TestCluster,
  VMS,
  failure,
  guard,
  lateGuard,
  tooLate,
} from '../at-cluster.fixture.js';
import { ObjectEnding, PodEndUnknown, PodNotStarting, QuotaExceeded } from '../errors.js';
import { kubevirtTarget } from '../index.js';
import { type PodPatience, endPod, ensurePod } from './launch.js';
import { podName, scratchName } from './names.js';
import { clusterRecord, vsphere, workerPods } from './pod-record.fixture.js';

const SECRETS = `/api/v1/namespaces/${NAMESPACE}/secrets`;
const CLASSES = '/apis/storage.k8s.io/v1/storageclasses';
const MiB = 2 ** 20;
const MINUTE = 60_000;
const HELD = ['test.example/held'];
/** Pods without a node are gone at once; what takes longer is held on purpose. */
const PATIENT: PodPatience = { startMs: 10 * MINUTE, endMs: 120_000, times: QUICK };
const IMPATIENT: PodPatience = { ...PATIENT, endMs: 300 };

let cluster: TestCluster;
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

async function secret(name: string, keys: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder.file(name), { recursive: true });
  for (const [key, content] of Object.entries(keys)) await writeFile(folder.file(`${name}/${key}`), content);
}

let made = 0;
let record: VmRecord;
beforeEach(() => {
  made += 1;
  record = recordOf(`pod${made}`);
});

/** Of a VM whose names are those of no other test. */
function recordOf(targetName: string, worker = workerPods({ scratchStorageClass: 'waits' })): VmRecord {
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

interface Kept {
  readonly metadata: {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: { readonly containers?: readonly { readonly resources: { readonly requests: object } }[] };
}
const podPath = (): string => `${PODS}/${podName(record)}`;
const secretPath = (): string => `${SECRETS}/${podName(record)}`;
const scratchPath = (): string => `${CLAIMS}/${scratchName(record)}`;
const see = (path: string): Promise<Kept> => cluster.kubernetes.admin.call<Kept>(path);
const areThere = (): Promise<boolean[]> =>
  Promise.all([podPath(), secretPath(), scratchPath()].map((path) => cluster.isThere(path)));
async function contentOf(key: string): Promise<string> {
  const { data = {} } = await see(secretPath());
  return Buffer.from(data[key] ?? '', 'base64').toString('utf8');
}

/** Without nodes there is no kubelet: what it would say of the pod, this says. */
const tell = (status: object): Promise<unknown> =>
  cluster.kubernetes.admin.patch(`${podPath()}/status`, { status });
const hold = (finalizers: readonly string[] | null = HELD, path = podPath()): Promise<unknown> =>
  cluster.kubernetes.admin.patch(path, { metadata: { finalizers } });
/** What a test held is let go, so that nothing is left that cannot end. */
let held: string[] = [];
afterEach(async () => {
  for (const path of held) await hold(null, path).catch(() => undefined);
  held = [];
});
async function holdForTest(path = podPath()): Promise<void> {
  await hold(HELD, path);
  held.push(path);
}

let asked: (string | undefined)[] = [];
beforeEach(() => {
  asked = [];
});
/** The credential lasts: what it is called with comes back, and is made only once. */
const launch = (over: Partial<PodLaunch> = {}): PodLaunch => ({
  site: 'local',
  credential: (earlier) => {
    asked.push(earlier);
    return Promise.resolve(earlier ?? 'credential 1');
  },
  now: new Date(),
  ...over,
});
const ensure = (over: Partial<PodLaunch> = {}, patience = PATIENT): Promise<string> =>
  ensurePod(cluster.at(record), launch(over), patience);
/** So long after the pod was made. */
const later = async (ms: number): Promise<Date> =>
  new Date(Date.parse((await see(podPath())).metadata.creationTimestamp) + ms);

describe('the worker pod of a VM', () => {
  it('is made with all that it mounts, found while it starts, and runs', async () => {
    expect(await ensure()).toBe('starting');
    expect(await areThere()).toEqual([true, true, true]);
    const first = await see(podPath());
    expect(first).toMatchObject({
      metadata: { labels: { 'ledgerlift.io/migration': record.migrationId, 'ledgerlift.io/vm': '0' } },
      spec: { restartPolicy: 'Always' },
    });
    expect(await see(scratchPath())).toMatchObject({
      spec: { storageClassName: 'waits', volumeMode: 'Filesystem' },
    });
    expect(await contentOf('nats.creds')).toBe('credential 1');
    expect(await contentOf('vcenter.password')).toBe('ThePassword');
    expect(await contentOf('esxi.password')).toBe('OfTheHost');
    // Those of the cluster are the site's own: no pod has them.
    expect(Object.keys((await see(secretPath())).data ?? {}).join()).not.toContain('kubeconfig');
    expect(await ensure()).toBe('starting');
    await tell({ phase: 'Running' });
    expect(await ensure()).toBe('running');
    expect((await see(podPath())).metadata.uid).toBe(first.metadata.uid);
  });

  it('asks the cluster once for what its containers share, as the API server has it', async () => {
    await ensure();
    const { spec } = await see(podPath());
    expect(spec?.containers?.map(({ resources }) => resources.requests)).toEqual([
      { cpu: '1', memory: '2Gi' },
      { cpu: '0', memory: '0', 'devices.kubevirt.io/kvm': '1' },
    ]);
  });

  it('keeps its credential for as long as that lasts, and gets a new one then; secrets that changed, too', async () => {
    await ensure();
    await tell({ phase: 'Running' });
    await ensure();
    expect(asked).toEqual([undefined, 'credential 1']);
    expect(await contentOf('nats.creds')).toBe('credential 1');
    const { uid } = (await see(secretPath())).metadata;
    await secret('esxi', { password: 'Changed' });
    await ensure({ credential: (earlier) => Promise.resolve(`after ${earlier}`) });
    await secret('esxi', { password: 'OfTheHost' });
    expect(await contentOf('nats.creds')).toBe('after credential 1');
    expect(await contentOf('esxi.password')).toBe('Changed');
    expect((await see(secretPath())).metadata.uid).toBe(uid);
  });

  it('is made again where it has failed, beside the same scratch claim', async () => {
    await ensure();
    const [pod, scratch] = [await see(podPath()), await see(scratchPath())];
    await tell({ phase: 'Failed', reason: 'Evicted' });
    expect(await ensure()).toBe('starting');
    expect((await see(podPath())).metadata.uid).not.toBe(pod.metadata.uid);
    expect((await see(scratchPath())).metadata.uid).toBe(scratch.metadata.uid);
  });

  it('is made again where it would now be described otherwise, also while it runs', async () => {
    await ensure();
    await tell({ phase: 'Running' });
    const first = await see(podPath());
    record = recordOf(
      record.targetName,
      workerPods({ scratchStorageClass: 'waits', image: 'registry.example.com/ledgerlift:2' }),
    );
    expect(await ensure()).toBe('starting');
    const second = await see(podPath());
    expect(second.metadata.uid).not.toBe(first.metadata.uid);
    expect(JSON.stringify(second.spec)).toContain('ledgerlift:2');
  });

  it('is never made again while it does not end: it may still write', async () => {
    await ensure();
    const first = await see(podPath());
    await holdForTest();
    await tell({ phase: 'Failed' });
    for (const _ of ['the first time', 'and again']) {
      const error = await failure(ensure({}, IMPATIENT));
      expect(error).toBeInstanceOf(PodEndUnknown);
      expect(error).toMatchObject({ code: 'LL-KUB-052', failure: 'needs-operator' });
      expect(String(error)).toContain(`pods "${podName(record)}" in the namespace '${NAMESPACE}'`);
      expect((await see(podPath())).metadata.uid).toBe(first.metadata.uid);
    }
    await hold(null);
    expect(await ensure()).toBe('starting');
    expect((await see(podPath())).metadata.uid).not.toBe(first.metadata.uid);
  });

  it('is waited for while it ends, and then made again', async () => {
    await ensure();
    await holdForTest();
    await cluster.kubernetes.admin.remove(podPath());
    const first = await see(podPath());
    const again = ensure();
    await hold(null);
    expect(await again).toBe('starting');
    expect((await see(podPath())).metadata.uid).not.toBe(first.metadata.uid);
  });

  it.each([
    ['pod', podPath, PODS],
    ['secret', secretPath, SECRETS],
    ['scratch claim', scratchPath, CLAIMS],
  ] as const)(
    'is not made where its %s is somebody else’s, which stays as it was',
    async (kind, path, at) => {
      const name = path().slice(at.length + 1);
      const metadata = { name, labels: { 'app.kubernetes.io/managed-by': 'Helm' } };
      const claim = {
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'waits',
        resources: { requests: { storage: '1Mi' } },
      };
      const restricted = { runAsNonRoot: true, runAsUser: 1, seccompProfile: { type: 'RuntimeDefault' } };
      const container = {
        name: 'c',
        image: 'none',
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      };
      const bodies = {
        pod: { metadata, spec: { securityContext: restricted, containers: [container] } },
        secret: { metadata, stringData: { 'nats.creds': 'theirs' } },
        'scratch claim': { metadata, spec: claim },
      };
      await cluster.kubernetes.admin.create(at, bodies[kind]);
      const theirs = await see(path());
      const error = await failure(ensure());
      expect(error).toBeInstanceOf(NotOurs);
      expect(String(error)).toContain('managed by "Helm"');
      expect(await endPod(cluster.at(record), PATIENT)).toBe('absent');
      const after = await see(path());
      expect(after.metadata.uid).toBe(theirs.metadata.uid);
      expect([after.spec, after.data]).toEqual([theirs.spec, theirs.data]);
      expect(await cluster.isThere(podPath())).toBe(kind === 'pod');
    },
  );

  it('waits for a scratch claim that is being deleted, and does not use it', async () => {
    await ensure();
    await tell({ phase: 'Failed' });
    await holdForTest(scratchPath());
    await cluster.kubernetes.admin.remove(scratchPath());
    const error = await failure(ensure());
    expect(error).toBeInstanceOf(ObjectEnding);
    expect(error).toMatchObject({ failure: 'transient' });
    expect(await cluster.isThere(podPath())).toBe(false);
  });

  it('that has not started in time fails with what the cluster says of its claim', async () => {
    record = recordOf(record.targetName, workerPods({ scratchStorageClass: 'missing' }));
    await ensure();
    const events = `/api/v1/namespaces/${NAMESPACE}/events?fieldSelector=involvedObject.name=${scratchName(record)}`;
    await until('something is said of the claim', async () => {
      const { items } = await cluster.kubernetes.admin.call<{ readonly items: readonly unknown[] }>(events);
      return items.length > 0;
    });
    expect(await ensure({ now: await later(10 * MINUTE) })).toBe('starting');
    const error = await failure(ensure({ now: await later(10 * MINUTE + 1000) }));
    expect(error).toBeInstanceOf(PodNotStarting);
    expect(error).toMatchObject({
      code: 'LL-KUB-051',
      failure: 'needs-operator',
      waitedMs: 10 * MINUTE + 1000,
    });
    expect(String(error)).toMatch(
      new RegExp(
        `does not run after 601 s: the claim "${scratchName(record)}" has no volume: ProvisioningFailed: .*"missing" not found`,
      ),
    );
  });

  it('that no node takes fails with that, and whoever retries gets a new one with its time before it', async () => {
    await ensure();
    const message = '0/3 nodes are available';
    await tell({ conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }] });
    const now = await later(10 * MINUTE + 1000);
    expect(String(await failure(ensure({ now })))).toContain(
      `does not run after 601 s: no node takes it: ${message}`,
    );
    expect(await areThere()).toEqual([false, true, true]);
    expect(await ensure()).toBe('starting');
    expect(await ensure({ now: await later(MINUTE) })).toBe('starting');
  });

  it('is not made by an attempt that is over, whenever it ends', async () => {
    expect(await failure(ensurePod(cluster.at(record, lateGuard), launch(), PATIENT))).toBe(tooLate);
    expect(await areThere()).toEqual([false, false, false]);
    // It ends between the secret and the pod.
    const untilCredential: Guard = {
      ...guard,
      stillOurs: () => (asked.length > 0 ? Promise.reject(tooLate) : Promise.resolve()),
    };
    expect(await failure(ensurePod(cluster.at(record, untilCredential), launch(), PATIENT))).toBe(tooLate);
    expect(await areThere()).toEqual([false, false, true]);
    const aborted = { ...guard, signal: AbortSignal.abort(tooLate) };
    expect(await failure(ensurePod(cluster.at(record, aborted), launch(), PATIENT))).toBe(tooLate);
    expect(await areThere()).toEqual([false, false, true]);
  });

  it('is neither ended nor given a credential by an attempt that is over', async () => {
    await ensure();
    await tell({ phase: 'Failed' });
    const [pod, credential] = [await see(podPath()), await see(secretPath())];
    expect(await failure(ensurePod(cluster.at(record, lateGuard), launch(), PATIENT))).toBe(tooLate);
    await tell({ phase: 'Running' });
    expect(await failure(ensurePod(cluster.at(record, lateGuard), launch(), PATIENT))).toBe(tooLate);
    expect((await see(podPath())).metadata.uid).toBe(pod.metadata.uid);
    expect((await see(podPath())).metadata.deletionTimestamp).toBeUndefined();
    expect((await see(secretPath())).metadata.resourceVersion).toBe(credential.metadata.resourceVersion);
  });

  it('that a quota does not allow names the quota', async () => {
    const { admin } = cluster.kubernetes;
    const quotas = `/api/v1/namespaces/${NAMESPACE}/resourcequotas`;
    await admin.create(quotas, { metadata: { name: 'no-pods' }, spec: { hard: { pods: '0' } } });
    try {
      await until('the quota was counted', async () => {
        const { status } = await admin.call<{ readonly status: { readonly used?: object } }>(
          `${quotas}/no-pods`,
        );
        return status.used !== undefined;
      });
      const error = await failure(ensure());
      expect(error).toBeInstanceOf(QuotaExceeded);
      expect(error).toMatchObject({ code: 'LL-KUB-042', quota: 'no-pods' });
      expect(await cluster.isThere(podPath())).toBe(false);
    } finally {
      await admin.remove(`${quotas}/no-pods`);
    }
    let how: unknown;
    await until('the quota is forgotten', async () => {
      how = await ensure().catch((error: unknown) => error);
      return !(how instanceof QuotaExceeded);
    });
    expect(how).toBe('starting');
  });

  it('is made by one of two at once', async () => {
    const how = await Promise.all([ensure(), ensure()]);
    expect(how).toEqual(['starting', 'starting']);
    expect(await areThere()).toEqual([true, true, true]);
  });
});

describe('the workplace of a VM in a cluster', () => {
  let work: Workplace | undefined;
  const workplace = async (by: Guard = guard): Promise<Workplace> =>
    (work = await kubevirtTarget.workplace(record, by));
  afterEach(async () => {
    await work?.[Symbol.asyncDispose]();
    work = undefined;
  });
  const claimed = (): readonly Resource[] => kubevirtTarget.claimsFor(record).DiskAllocation;

  it('has the pod seen to by the target', async () => {
    expect(await kubevirtTarget.pods?.ensure(record, guard, launch())).toBe('starting');
    expect(await areThere()).toEqual([true, true, true]);
  });

  it('releases all that it claims, and leaves nothing', async () => {
    const { disks, release } = await workplace();
    for (const { diskId } of record.disks) await disks.allocate(diskId, MiB);
    await ensure();
    const resources = inReleaseOrder([
      ...kubevirtTarget.itineraryFor(record).flatMap(({ claims }) => claims),
      {
        kind: 'overlay',
        name: `${record.folder}/web.overlay.qcow2`,
        service: 'vm-creator',
        lifetime: 'resume',
      } as const,
    ]);
    const how = new Map<string, string[]>();
    for (const _ of ['there', 'gone'])
      for (const resource of resources)
        how.set(resource.name + resource.kind, [
          ...(how.get(resource.name + resource.kind) ?? []),
          await release(resource),
        ]);
    const each = (kind: Resource['kind']): string[][] =>
      resources.filter((one) => one.kind === kind).map(({ name }) => how.get(name + kind) ?? []);
    const twice = ['removed', 'absent'];
    expect(['disk', 'scratch', 'credential'].map((kind) => each(kind as Resource['kind']))).toEqual([
      [twice, twice],
      [twice],
      [twice],
    ]);
    expect(each('worker-pod')).toHaveLength(1);
    expect(each('virtual-machine')).toEqual([['absent', 'absent']]);
    expect(each('overlay')).toEqual([['absent', 'absent']]);
    for (const path of [PODS, SECRETS, CLAIMS]) {
      const { items } = await cluster.kubernetes.admin.call<{ readonly items: readonly Kept[] }>(
        `${path}?labelSelector=ledgerlift.io/migration=${record.migrationId}`,
      );
      expect(items).toEqual([]);
    }
  });

  it('releases nothing that is not ours', async () => {
    const { release } = await workplace();
    await cluster.kubernetes.admin.create(SECRETS, { metadata: { name: podName(record) } });
    for (const resource of claimed()) expect(await release(resource)).toBe('absent');
    expect(await areThere()).toEqual([false, true, false]);
  });

  it('sweeps all claims but those that are kept', async () => {
    const { disks, sweep } = await workplace();
    for (const { diskId } of record.disks) await disks.allocate(diskId, MiB);
    await ensure();
    await endPod(cluster.at(record), PATIENT);
    const claims = [...record.disks.map(({ pvcName }) => `${CLAIMS}/${pvcName}`), scratchPath()];
    const left = (): Promise<boolean[]> => Promise.all(claims.map((path) => cluster.isThere(path)));
    const [first] = claimed().filter(({ kind }) => kind === 'disk');
    const scratch = claimed().filter(({ kind }) => kind === 'scratch');
    if (first === undefined) throw new Error('no disk is claimed');
    await sweep([first, ...scratch]);
    expect(await left()).toEqual([true, false, true]);
    await sweep([first]);
    expect(await left()).toEqual([true, false, false]);
    await sweep([]);
    expect(await left()).toEqual([false, false, false]);
  });

  it.each(['endWriters', 'holder'] as const)('%s ends the pod, and sees it gone', async (what) => {
    const { disks, vm } = await workplace();
    await ensure();
    await tell({ phase: 'Running' });
    await holdForTest();
    let isEnded = false;
    const done = (what === 'holder' ? vm.holder() : disks.endWriters()).then((holder) => {
      isEnded = true;
      return holder;
    });
    await until(
      'it is told to end',
      async () => (await see(podPath())).metadata.deletionTimestamp !== undefined,
    );
    expect(isEnded).toBe(false);
    await hold(null);
    expect(await done).toBeUndefined();
    expect(await cluster.isThere(podPath())).toBe(false);
  });

  it('starts the VM only once the pod is gone', async () => {
    const over = new AbortController();
    const { vm } = await workplace({ ...guard, signal: AbortSignal.any([guard.signal, over.signal]) });
    const halted = targetVm(record);
    await vm.create(halted);
    await ensure();
    await holdForTest();
    const strategy = async (): Promise<unknown> =>
      (await cluster.kubernetes.admin.call<{ spec: { runStrategy: string } }>(`${VMS}/${record.targetName}`))
        .spec.runStrategy;
    const started = failure(vm.setRunStrategy({ ...halted, runStrategy: 'Always' }));
    await until(
      'the pod is told to end',
      async () => (await see(podPath())).metadata.deletionTimestamp !== undefined,
    );
    expect(await strategy()).toBe('Halted');
    await hold(null);
    await until('the VM may run', async () => (await strategy()) === 'Always');
    expect(await cluster.isThere(podPath())).toBe(false);
    // No controller starts it.
    over.abort(tooLate);
    expect(await started).toBe(tooLate);
  });
});
