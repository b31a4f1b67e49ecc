import { describe, expect, it } from '@jest/globals';
import { until } from '@ledgerlift/testing';
import { NotOurs } from '../../errors.js';
import type { Guard } from '../../workplace.js';
import { CLAIMS, failure, guard, lateGuard, NAMESPACE, PODS, tooLate } from '../at-cluster.fixture.js';
import { ObjectEnding, PodEndUnknown, PodNotStarting, QuotaExceeded } from '../errors.js';
import { endPod, ensurePod } from './launch.js';
import { podName, scratchName } from './names.js';
import { workerPods } from './pod-record.fixture.js';
import {
  areThere,
  asked,
  cluster,
  contentOf,
  ensure,
  hold,
  holdForTest,
  IMPATIENT,
  later,
  launch,
  MINUTE,
  PATIENT,
  podPath,
  record,
  recordOf,
  scratchPath,
  secret,
  secretPath,
  SECRETS,
  see,
  tell,
  workOn,
} from './pods-at-work.fixture.js';

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

  it('goes with its secret after its scratch claim, should the API server have made it after a clean-up', async () => {
    await ensure();
    await cluster.kubernetes.admin.remove(scratchPath());
    await until('the garbage is collected', async () => !(await areThere()).includes(true));
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

  it('is recreated after a failure, with the same scratch claim', async () => {
    await ensure();
    const [pod, scratch] = [await see(podPath()), await see(scratchPath())];
    await tell({ phase: 'Failed', reason: 'Evicted' });
    expect(await ensure()).toBe('starting');
    expect((await see(podPath())).metadata.uid).not.toBe(pod.metadata.uid);
    expect((await see(scratchPath())).metadata.uid).toBe(scratch.metadata.uid);
  });

  it('is recreated when its description changes, even while it runs', async () => {
    await ensure();
    await tell({ phase: 'Running' });
    const first = await see(podPath());
    workOn(
      recordOf(
        record.targetName,
        workerPods({ scratchStorageClass: 'waits', image: 'registry.example.com/ledgerlift:2' }),
      ),
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
    workOn(recordOf(record.targetName, workerPods({ scratchStorageClass: 'missing' })));
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

  it('that no node can run fails with that reason, and a retry gets a new pod with a new time limit', async () => {
    await ensure();
    const message = '0/3 nodes are available';
    await tell({ conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }] });
    const now = await later(10 * MINUTE + 1000);
    expect(String(await failure(ensure({ now })))).toContain(
      `does not run after 601 s: no node can run it: ${message}`,
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
