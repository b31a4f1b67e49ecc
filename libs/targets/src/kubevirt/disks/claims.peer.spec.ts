import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { VmRecord } from '@ledgerlift/contracts';
import { until, vmRecord } from '@ledgerlift/testing';
import { NotOurs, WrongDisk } from '../../errors.js';
import {
  CLAIMS,
  NAMESPACE,
  PODS,
  INSTANCES,
  QUICK,
  TestCluster,
  failure,
  guard,
  lateGuard,
  podWith,
  tooLate,
} from '../at-cluster.fixture.js';
import { ClaimHeld, ClaimLost, ObjectEnding, QuotaExceeded } from '../errors.js';
import { objectionToClaim } from './adopted.js';
import { type ClaimSize, ensureClaim, findClaim } from './claims.js';
import { holderOf, whyPending } from './holders.js';
import { releaseClaim, sweepClaims } from './release.js';

const MiB = 2 ** 20;
const SIZE: ClaimSize = { diskBytes: 10 * MiB, claimBytes: 11 * MiB };
const VOLUMES = '/api/v1/persistentvolumes';
const CLASSES = '/apis/storage.k8s.io/v1/storageclasses';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.start({ extras: 'definitions', controllerManager: true });
  for (const [name, allowVolumeExpansion, volumeBindingMode] of [
    ['grows', true, 'Immediate'],
    ['fixed', false, 'Immediate'],
    ['waits', false, 'WaitForFirstConsumer'],
  ] as const)
    await cluster.kubernetes.admin.create(CLASSES, {
      metadata: { name },
      // Nobody provisions: volumes are made by hand.
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode,
      allowVolumeExpansion,
    });
});
afterAll(() => cluster[Symbol.asyncDispose]());

let made = 0;
let record: VmRecord;
beforeEach(() => {
  made += 1;
  record = recordOf(`m${made}`);
});

/** Of a VM with two disks, whose names are those of no other test. */
function recordOf(migrationId: string, storageClass = 'grows', adopted = false): VmRecord {
  const base = vmRecord({ disks: 2, record: { targetNamespace: NAMESPACE, migrationId } });
  return {
    ...base,
    targetName: migrationId,
    disks: base.disks.map((disk, index) => ({
      ...disk,
      pvcName: `${migrationId}-${index}`,
      storageClass,
      ...(adopted ? { adopted: true as const } : {}),
    })),
  };
}
const diskOf = (index: number, of = record): { readonly diskId: string; readonly pvcName: string } => {
  const disk = of.disks[index];
  if (disk === undefined) throw new Error(`no disk ${index}`);
  return disk;
};

interface Kept {
  readonly metadata: {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Record<string, string>;
  };
  readonly spec: { readonly resources: { readonly requests: { readonly storage: string } } };
}
const see = (name: string): Promise<Kept> => cluster.kubernetes.admin.call<Kept>(`${CLAIMS}/${name}`);
const isThere = (name: string): Promise<boolean> => cluster.isThere(`${CLAIMS}/${name}`);

const spec = (storageClassName = 'grows'): object => ({
  accessModes: ['ReadWriteOnce'],
  storageClassName,
  resources: { requests: { storage: '11Mi' } },
});
/** A claim of somebody else. */
const foreign = (name: string, labels: Readonly<Record<string, string>> = {}): Promise<unknown> =>
  cluster.kubernetes.admin.create(CLAIMS, { metadata: { name, labels }, spec: spec() });

/** Makes a volume for a claim, and waits until the volume controller has bound them. */
async function bind(claim: string, storageClassName = 'grows'): Promise<void> {
  await cluster.kubernetes.admin.create(VOLUMES, {
    metadata: { name: `pv-${claim}` },
    spec: {
      capacity: { storage: '12Mi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName,
      claimRef: { namespace: NAMESPACE, name: claim },
      hostPath: { path: '/nowhere' },
    },
  });
  await until(`${claim} is bound`, async () => {
    // The volume controller looks at a claim that changes, and else every 15 s.
    await cluster.kubernetes.admin.patch(`${CLAIMS}/${claim}`, {
      metadata: { annotations: { 'test.example/looked': String(performance.now()) } },
    });
    return (await findClaim(cluster.at(record), claim))?.phase === 'Bound';
  });
}

const untilEnding = (claim: string): Promise<void> =>
  until('its deletion began', async () => {
    return (await findClaim(cluster.at(record), claim))?.metadata.deletionTimestamp !== undefined;
  });

const mount = (pod: string, claim: string): Promise<unknown> =>
  cluster.kubernetes.admin.create(PODS, podWith(pod, claim));

describe('the claim of a disk', () => {
  it('is made once, as the record has it, and found ever after', async () => {
    const { diskId, pvcName } = diskOf(0);
    expect(await ensureClaim(cluster.at(record), diskId, SIZE)).toBe('created');
    const first = await see(pvcName);
    expect(first).toMatchObject({
      metadata: {
        labels: {
          'ledgerlift.io/installation': 'lab',
          'ledgerlift.io/migration': record.migrationId,
          'ledgerlift.io/vm': '0',
        },
        annotations: { 'ledgerlift.io/disk-id': diskId },
      },
      spec: {
        accessModes: ['ReadWriteOnce'],
        volumeMode: 'Filesystem',
        storageClassName: 'grows',
        resources: { requests: { storage: '11Mi' } },
      },
    });
    expect(await ensureClaim(cluster.at(record), diskId, SIZE)).toBe('found');
    expect((await see(pvcName)).metadata.uid).toBe(first.metadata.uid);
  });

  it('is made by one of two attempts at once, and found by the other', async () => {
    const ensure = (): Promise<string> => ensureClaim(cluster.at(record), diskOf(0).diskId, SIZE);
    const how = await Promise.all([ensure(), ensure()]);
    expect(how.toSorted()).toEqual(['created', 'found']);
  });

  it('is not made by an attempt that is over', async () => {
    const late = cluster.at(record, lateGuard);
    expect(await failure(ensureClaim(late, diskOf(0).diskId, SIZE))).toBe(tooLate);
    expect(await isThere(diskOf(0).pvcName)).toBe(false);
  });

  it('is left alone if it belongs to somebody else, whom the error names', async () => {
    const { diskId, pvcName } = diskOf(0);
    await foreign(pvcName, { 'ledgerlift.io/installation': 'other', 'ledgerlift.io/migration': 'theirs' });
    const before = await see(pvcName);
    const error = await failure(ensureClaim(cluster.at(record), diskId, SIZE));
    expect(error).toBeInstanceOf(NotOurs);
    expect(String(error)).toContain(`persistentvolumeclaims "${pvcName}" in the namespace 'vms'`);
    expect(String(error)).toContain('of the migration "theirs" of the installation "other"');
    expect(await see(pvcName)).toEqual(before);
  });

  it('grows if its class allows it, and no later attempt shrinks it', async () => {
    const { diskId, pvcName } = diskOf(0);
    await ensureClaim(cluster.at(record), diskId, SIZE);
    await bind(pvcName);
    const larger = { diskBytes: 20 * MiB, claimBytes: 22 * MiB };
    const late = cluster.at(record, lateGuard);
    expect(await failure(ensureClaim(late, diskId, larger))).toBe(tooLate);
    expect((await see(pvcName)).spec.resources.requests.storage).toBe('11Mi');
    expect(await ensureClaim(cluster.at(record), diskId, larger)).toBe('found');
    expect((await see(pvcName)).spec.resources.requests.storage).toBe('22Mi');
    expect(await ensureClaim(cluster.at(record), diskId, SIZE)).toBe('found');
    expect((await see(pvcName)).spec.resources.requests.storage).toBe('22Mi');
  });

  it('is wrong if it is too small and cannot grow, or differs from the record', async () => {
    const fixed = recordOf(record.migrationId, 'fixed');
    const { diskId, pvcName } = diskOf(0, fixed);
    await ensureClaim(cluster.at(fixed), diskId, SIZE);
    await bind(pvcName, 'fixed');
    const larger = { diskBytes: 20 * MiB, claimBytes: 22 * MiB };
    const small = await failure(ensureClaim(cluster.at(fixed), diskId, larger));
    expect(small).toBeInstanceOf(WrongDisk);
    expect(String(small)).toMatch(/one for 11534336 bytes, which its storage class does not let grow/);
    const other = await failure(ensureClaim(cluster.at(record), diskId, SIZE));
    expect(other).toBeInstanceOf(WrongDisk);
    expect(String(other)).toMatch(/of the storage class "fixed", not of the storage class "grows"/);
  });

  it('is named lost once its volume is gone', async () => {
    const { diskId, pvcName } = diskOf(0);
    await ensureClaim(cluster.at(record), diskId, SIZE);
    await bind(pvcName);
    const { admin } = cluster.kubernetes;
    await admin.remove(`${VOLUMES}/pv-${pvcName}`);
    await admin.patch(`${VOLUMES}/pv-${pvcName}`, { metadata: { finalizers: null } });
    await until('it is lost', async () => (await findClaim(cluster.at(record), pvcName))?.phase === 'Lost');
    const error = await failure(ensureClaim(cluster.at(record), diskId, SIZE));
    expect(error).toBeInstanceOf(ClaimLost);
    expect(error).toMatchObject({ code: 'LL-KUB-040', failure: 'needs-operator' });
  });

  it('is not used while it is being deleted', async () => {
    const { diskId, pvcName } = diskOf(0);
    await ensureClaim(cluster.at(record), diskId, SIZE);
    await mount(`${pvcName}-user`, pvcName);
    await cluster.kubernetes.admin.remove(`${CLAIMS}/${pvcName}`);
    const error = await failure(ensureClaim(cluster.at(record), diskId, SIZE));
    expect(error).toBeInstanceOf(ObjectEnding);
    expect(error).toMatchObject({ code: 'LL-KUB-041', failure: 'transient' });
  });

  it('says why it has no volume, but not that it waits for its first pod', async () => {
    const waiting = recordOf(record.migrationId, 'waits');
    await ensureClaim(cluster.at(waiting), diskOf(0, waiting).diskId, SIZE);
    await ensureClaim(cluster.at(record), diskOf(1).diskId, SIZE);
    const events = async (name: string): Promise<number> => {
      const list = await cluster.kubernetes.admin.call<{ readonly items: readonly unknown[] }>(
        `/api/v1/namespaces/${NAMESPACE}/events?fieldSelector=involvedObject.name=${name}`,
      );
      return list.items.length;
    };
    for (const { pvcName } of waiting.disks)
      await until(`something is said of ${pvcName}`, async () => (await events(pvcName)) > 0);
    expect(await whyPending(cluster.at(waiting), diskOf(0).pvcName)).toBeUndefined();
    expect(await whyPending(cluster.at(record), diskOf(1).pvcName)).toMatch(
      /^(FailedBinding|ProvisioningFailed): /,
    );
    expect(await whyPending(cluster.at(record), 'none')).toBeUndefined();
  });

  it('that a quota does not allow leaves those before it, and names the quota', async () => {
    const { admin } = cluster.kubernetes;
    const [first, second] = [diskOf(0), diskOf(1)];
    await ensureClaim(cluster.at(record), first.diskId, SIZE);
    const quotas = `/api/v1/namespaces/${NAMESPACE}/resourcequotas`;
    const list = await admin.call<{ readonly items: readonly unknown[] }>(CLAIMS);
    const hard = { persistentvolumeclaims: String(list.items.length) };
    await admin.create(quotas, { metadata: { name: 'small' }, spec: { hard } });
    try {
      await until('the quota was counted', async () => {
        const { status } = await admin.call<{ readonly status: { readonly used?: object } }>(
          `${quotas}/small`,
        );
        return status.used !== undefined;
      });
      const error = await failure(ensureClaim(cluster.at(record), second.diskId, SIZE));
      expect(error).toBeInstanceOf(QuotaExceeded);
      expect(error).toMatchObject({ code: 'LL-KUB-042', failure: 'needs-operator', quota: 'small' });
      expect(String(error)).toContain('requested: persistentvolumeclaims=1');
      expect(await isThere(first.pvcName)).toBe(true);
    } finally {
      await admin.remove(`${quotas}/small`);
    }
    let how: unknown;
    await until('the quota is forgotten', async () => {
      how = await ensureClaim(cluster.at(record), second.diskId, SIZE).catch((error: unknown) => error);
      return !(how instanceof QuotaExceeded);
    });
    expect(how).toBe('created');
  });
});

describe('who has a claim', () => {
  it('is a pod, or a VM instance, that has not ended', async () => {
    const { pvcName } = diskOf(0);
    const claims = [diskOf(1).pvcName, pvcName];
    for (const name of claims) await foreign(name);
    expect(await holderOf(cluster.at(record), claims)).toBeUndefined();
    await mount(`${pvcName}-user`, pvcName);
    expect(await holderOf(cluster.at(record), claims)).toEqual({
      claim: pvcName,
      who: `the pod "${pvcName}-user"`,
    });
    await cluster.kubernetes.admin.create(INSTANCES, instance('guest', pvcName));
    const { who } = (await holderOf(cluster.at(record), claims)) ?? {};
    expect(who).toBe('the VM instance "guest"');
    await cluster.kubernetes.admin.patch(`${INSTANCES}/guest`, { status: { phase: 'Succeeded' } });
    await cluster.kubernetes.admin.patch(`${PODS}/${pvcName}-user/status`, { status: { phase: 'Failed' } });
    expect(await holderOf(cluster.at(record), claims)).toBeUndefined();
  });
});

const instance = (name: string, claimName: string): object => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachineInstance',
  metadata: { name, namespace: NAMESPACE },
  spec: { domain: { devices: {} }, volumes: [{ name: 'disk', persistentVolumeClaim: { claimName } }] },
  status: { phase: 'Running' },
});

describe('a claim that is released', () => {
  it('is gone afterwards, and absent the next time', async () => {
    const { diskId, pvcName } = diskOf(0);
    await ensureClaim(cluster.at(record), diskId, SIZE);
    expect(await failure(releaseClaim(cluster.at(record, lateGuard), pvcName, QUICK))).toBe(tooLate);
    expect(await isThere(pvcName)).toBe(true);
    expect(await releaseClaim(cluster.at(record), pvcName, QUICK)).toBe('removed');
    expect(await isThere(pvcName)).toBe(false);
    expect(await releaseClaim(cluster.at(record), pvcName, QUICK)).toBe('absent');
  });

  it('is not deleted while somebody uses it, who is named', async () => {
    const { diskId, pvcName } = diskOf(0);
    await ensureClaim(cluster.at(record), diskId, SIZE);
    await mount(`${pvcName}-user`, pvcName);
    const error = await failure(releaseClaim(cluster.at(record), pvcName, QUICK));
    expect(error).toBeInstanceOf(ClaimHeld);
    expect(error).toMatchObject({ code: 'LL-KUB-043', holder: `the pod "${pvcName}-user"` });
    expect((await findClaim(cluster.at(record), pvcName))?.metadata.deletionTimestamp).toBeUndefined();
  });

  it('is waited for, though the API server is killed meanwhile', async () => {
    const { diskId, pvcName } = diskOf(0);
    await ensureClaim(cluster.at(record), diskId, SIZE);
    const { admin } = cluster.kubernetes;
    await admin.patch(`${CLAIMS}/${pvcName}`, { metadata: { finalizers: ['test.example/slow'] } });
    const released = releaseClaim(cluster.at(record), pvcName, QUICK);
    await untilEnding(pvcName);
    await cluster.kubernetes.restart();
    await admin.patch(`${CLAIMS}/${pvcName}`, { metadata: { finalizers: null } });
    expect(await released).toBe('removed');
  });

  it('is given up for when the attempt ends', async () => {
    const { diskId, pvcName } = diskOf(0);
    await ensureClaim(cluster.at(record), diskId, SIZE);
    const { admin } = cluster.kubernetes;
    await admin.patch(`${CLAIMS}/${pvcName}`, { metadata: { finalizers: ['test.example/never'] } });
    const stop = new AbortController();
    const stopped = { ...guard, signal: stop.signal };
    const released = failure(releaseClaim(cluster.at(record, stopped), pvcName, QUICK));
    await untilEnding(pvcName);
    stop.abort(tooLate);
    expect(await released).toBe(tooLate);
    await admin.patch(`${CLAIMS}/${pvcName}`, { metadata: { finalizers: null } });
  });

  it('stays if it belongs to somebody else, or another tool brought it', async () => {
    const { pvcName } = diskOf(0);
    await foreign(pvcName);
    expect(await releaseClaim(cluster.at(record), pvcName, QUICK)).toBe('absent');
    const adopting = recordOf(record.migrationId, 'grows', true);
    const error = await failure(releaseClaim(cluster.at(adopting), pvcName, QUICK));
    expect(error).toBeInstanceOf(NotOurs);
    expect(await isThere(pvcName)).toBe(true);
  });

  it('by a sweep is every one of this VM that is not kept, and none besides', async () => {
    const at = cluster.at(record);
    for (const { diskId } of record.disks) await ensureClaim(at, diskId, SIZE);
    const other = { ...recordOf(`${record.migrationId}-other`), migrationId: record.migrationId, index: 1 };
    await ensureClaim(cluster.at(other), diskOf(0, other).diskId, SIZE);
    const { labels = {} } = (await see(diskOf(0).pvcName)).metadata;
    await foreign(`${record.migrationId}-left`, labels);
    await sweepClaims(at, [diskOf(1).pvcName], QUICK);
    const names = [
      diskOf(0).pvcName,
      `${record.migrationId}-left`,
      diskOf(1).pvcName,
      diskOf(0, other).pvcName,
    ];
    expect(await Promise.all(names.map(isThere))).toEqual([false, false, true, true]);
  });

  it('by a sweep is none that was adopted, whatever its labels say', async () => {
    await ensureClaim(cluster.at(record), diskOf(0).diskId, SIZE);
    await sweepClaims(cluster.at(recordOf(record.migrationId, 'grows', true)), [], QUICK);
    expect(await isThere(diskOf(0).pvcName)).toBe(true);
  });
});

describe('a claim that another tool brought', () => {
  it('is looked at once more before it is converted', async () => {
    const { diskId, pvcName } = diskOf(0);
    const at = cluster.at(record);
    const why = async (size = 12 * MiB): Promise<string | undefined> =>
      (await objectionToClaim(at, diskId, size))?.why;
    expect(await why()).toBe(`there is no claim "${pvcName}" in the VM's namespace`);
    await foreign(pvcName);
    expect(await why()).toMatch(/no volume \(phase Pending\)/);
    await bind(pvcName);
    expect(await why()).toBeUndefined();
    expect(await why(12 * MiB + 1)).toMatch(/it has 12582912 bytes, but the source's disk has 12582913/);
    await mount(`${pvcName}-user`, pvcName);
    expect(await why()).toBe(`the claim "${pvcName}": the pod "${pvcName}-user" uses it`);
  });
});
