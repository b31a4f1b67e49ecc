import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { VmRecord } from '@ledgerlift/contracts';
import { until, vmRecord } from '@ledgerlift/testing';
import { NotOurs } from '../../errors.js';
import { type TargetVm, targetVm } from '../../vm-model/index.js';
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
import { ensureClaim } from '../disks/claims.js';
import {
  ApplyConflict,
  KubernetesNotFound,
  KubernetesRefused,
  QuotaExceeded,
  VmNotHalted,
  VmNotReached,
} from '../errors.js';
import { resources } from '../resources.js';
import { disownDisks, ownDisks, releaseVm } from './own-disks.js';
import { VirtController, launcherOf } from './virt-controller.fixture.js';
import { ensureVm, findInstance, findVm, isCreated, setRunStrategy } from './virtual-machine.js';
import { waitUntilRunning, waitUntilStopped } from './waiting.js';

const MiB = 2 ** 20;
const SIZE = { diskBytes: MiB, claimBytes: 2 * MiB };
const WAIT = { patienceMs: 200_000, failureMs: 200_000, times: QUICK };

let cluster: TestCluster;
let controller: VirtController;
beforeAll(async () => {
  cluster = await TestCluster.start({ extras: 'admission', controllerManager: true });
  controller = await VirtController.of(cluster);
});
afterAll(() => cluster[Symbol.asyncDispose]());

let made = 0;
let record: VmRecord;
let vm: TargetVm;
let path: string;
beforeEach(() => {
  made += 1;
  const base = vmRecord({ disks: 2, record: { targetNamespace: NAMESPACE, migrationId: `m${made}` } });
  const disks = base.disks.map((disk, index) => ({ ...disk, pvcName: `vm${made}-${index}` }));
  record = { ...base, targetName: `vm${made}`, disks };
  vm = targetVm(record);
  path = `${VMS}/${record.targetName}`;
});

interface Kept {
  readonly metadata: { readonly uid: string; readonly resourceVersion: string };
  readonly spec: { readonly runStrategy: string };
}
const see = (at = path): Promise<Kept> => cluster.kubernetes.admin.call<Kept>(at);

/** A VM of the record's name that somebody else made. */
const foreign = (): Promise<unknown> =>
  cluster.kubernetes.admin.create(VMS, {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name: record.targetName, namespace: NAMESPACE },
    spec: {
      runStrategy: 'Halted',
      template: { spec: { domain: { devices: {}, memory: { guest: '1Gi' } } } },
    },
  });

describe('the VM', () => {
  it('is made once, halted, and as described', async () => {
    const at = cluster.at(record);
    expect(await isCreated(at)).toBe(false);
    expect(await ensureVm(at, { ...vm, runStrategy: 'Always' })).toBe('created');
    expect(await isCreated(at)).toBe(true);
    const first = await see();
    expect(first.spec.runStrategy).toBe('Halted');
    expect(await ensureVm(at, vm)).toBe('found');
    // Not even its version has changed.
    expect(await see()).toEqual(first);
  });

  it('is made by one of two attempts at once, and found by the other', async () => {
    const how = await Promise.all([ensureVm(cluster.at(record), vm), ensureVm(cluster.at(record), vm)]);
    expect(how.toSorted()).toEqual(['created', 'found']);
  });

  it('is made by one of two migrations at once, and left alone by the other', async () => {
    const other = { ...record, migrationId: 'theirs' };
    const results = await Promise.allSettled([
      ensureVm(cluster.at(record), vm),
      ensureVm(cluster.at(other), targetVm(other)),
    ]);
    const refused = results.flatMap((each): unknown[] => (each.status === 'rejected' ? [each.reason] : []));
    expect(refused).toEqual([expect.any(NotOurs)]);
  });

  it('is neither made nor started by an attempt that is over', async () => {
    const late = cluster.at(record, lateGuard);
    expect(await failure(ensureVm(late, vm))).toBe(tooLate);
    expect(await cluster.isThere(path)).toBe(false);
    await ensureVm(cluster.at(record), vm);
    const before = await see();
    expect(await failure(setRunStrategy(late, vm, 'Always'))).toBe(tooLate);
    expect(await failure(releaseVm(late, WAIT))).toBe(tooLate);
    expect(await see()).toEqual(before);
  });

  it('runs or halts as last requested, and keeps fields that others add', async () => {
    const at = cluster.at(record);
    await ensureVm(at, vm);
    await cluster.kubernetes.admin.patch(path, { metadata: { labels: { team: 'shop' } } });
    await setRunStrategy(at, vm, 'Always');
    expect(await see()).toMatchObject({
      metadata: { labels: { team: 'shop' } },
      spec: { runStrategy: 'Always' },
    });
    const before = await see();
    await setRunStrategy(at, vm, 'Always');
    expect(await see()).toEqual(before);
    await setRunStrategy(at, vm, 'Halted');
    expect((await see()).spec.runStrategy).toBe('Halted');
  });

  it('cannot be started if it was never created', async () => {
    expect(await failure(setRunStrategy(cluster.at(record), vm, 'Always'))).toBeInstanceOf(
      KubernetesNotFound,
    );
    expect(await cluster.isThere(path)).toBe(false);
  });

  it('is never changed if it belongs to somebody else', async () => {
    await foreign();
    const before = await see();
    const at = cluster.at(record);
    expect(await isCreated(at)).toBe(false);
    for (const work of [ensureVm(at, vm), setRunStrategy(at, vm, 'Always'), ownDisks(at)]) {
      const error = await failure(work);
      expect(error).toBeInstanceOf(NotOurs);
      expect(String(error)).toContain(
        `virtualmachines.kubevirt.io "${record.targetName}" in the namespace 'vms'`,
      );
    }
    expect(await releaseVm(at, WAIT)).toBe('absent');
    expect(await see()).toEqual(before);
  });

  it('keeps a field that another manager set, and the error names both', async () => {
    const at = cluster.at(record);
    await ensureVm(at, vm);
    await cluster.kubernetes.admin.call(`${path}?fieldManager=operator`, {
      method: 'PATCH',
      body: {
        spec: {
          runStrategy: 'Manual',
          template: { spec: { domain: { memory: { guest: '3Gi' } } } },
        },
      },
    });
    const before = await see();
    const error = await failure(setRunStrategy(at, vm, 'Always'));
    expect(error).toBeInstanceOf(ApplyConflict);
    expect(error).toMatchObject({
      code: 'LL-KUB-044',
      failure: 'needs-operator',
      managers: ['operator'],
      fields: ['.spec.runStrategy', '.spec.template.spec.domain.memory.guest'],
    });
    expect(await see()).toEqual(before);
  });

  it('that KubeVirt refuses is reported in KubeVirt’s words', async () => {
    const [disk] = vm.disks;
    if (disk === undefined) throw new Error('the VM has a disk');
    const error = await failure(ensureVm(cluster.at(record), { ...vm, disks: [disk, disk] }));
    expect(error).toBeInstanceOf(KubernetesRefused);
    expect(error).toMatchObject({ failure: 'permanent' });
    expect(String(error)).toMatch(/must not have the same Name/);
  });

  it('that a quota does not allow names it', async () => {
    const { admin } = cluster.kubernetes;
    const quotas = `/api/v1/namespaces/${NAMESPACE}/resourcequotas`;
    const none = { 'count/virtualmachines.kubevirt.io': '0' };
    await admin.create(quotas, { metadata: { name: 'no-vms' }, spec: { hard: none } });
    try {
      await admin.patch(`${quotas}/no-vms/status`, { status: { hard: none, used: none } });
      await until('the quota counts', async () => {
        const error = await failure(ensureVm(cluster.at(record), vm));
        if (error === undefined) await admin.remove(path);
        return error instanceof QuotaExceeded && error.quota === 'no-vms';
      });
    } finally {
      await admin.remove(`${quotas}/no-vms`);
    }
    expect(await cluster.isThere(path)).toBe(false);
  });
});

describe('a VM that is waited for', () => {
  beforeEach(async () => {
    await ensureVm(cluster.at(record), vm);
    await setRunStrategy(cluster.at(record), vm, 'Always');
  });
  const agent = [{ type: 'AgentConnected', status: 'True' }];

  /** Whether a promise is still pending after the wait has surely looked again. */
  async function goesOn(wait: Promise<unknown>): Promise<boolean> {
    return Promise.race([
      wait.then(() => false),
      new Promise<boolean>((resolve) => setTimeout(resolve, 300, true)),
    ]);
  }

  it('runs once its instance does, and its agent answers where that is wanted', async () => {
    const running = waitUntilRunning(cluster.at(record), WAIT);
    const answering = waitUntilRunning(cluster.at(record), { ...WAIT, agent: 'wanted' });
    await controller.start(record.targetName, { phase: 'Scheduling' });
    expect(await goesOn(running)).toBe(true);
    await controller.tell(resources.instances, record.targetName, { phase: 'Running' });
    await running;
    expect(await goesOn(answering)).toBe(true);
    await controller.tell(resources.instances, record.targetName, { conditions: agent });
    await answering;
  });

  it('is waited for, though the API server is killed meanwhile', async () => {
    const running = waitUntilRunning(cluster.at(record), WAIT);
    expect(await goesOn(running)).toBe(true);
    await cluster.kubernetes.restart();
    await controller.start(record.targetName, { phase: 'Running' });
    await running;
  });

  it('that stays failed is given up, with the reason', async () => {
    const why = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: '0/3 nodes are available',
    };
    await controller.tell(resources.vms, record.targetName, {
      printableStatus: 'ErrorUnschedulable',
      conditions: [why],
    });
    const error = await failure(waitUntilRunning(cluster.at(record), { ...WAIT, failureMs: 0 }));
    expect(error).toBeInstanceOf(VmNotReached);
    expect(error).toMatchObject({
      code: 'LL-KUB-046',
      wanted: 'running',
      seen: 'failed: ErrorUnschedulable (0/3 nodes are available)',
    });
  });

  it('for no longer than was said, or until the attempt ends', async () => {
    const error = await failure(waitUntilRunning(cluster.at(record), { ...WAIT, patienceMs: 300 }));
    expect(error).toMatchObject({ code: 'LL-KUB-046', seen: 'starting' });
    const stop = new AbortController();
    const stopped = { ...guard, signal: stop.signal };
    const running = failure(waitUntilRunning(cluster.at(record, stopped), WAIT));
    stop.abort(tooLate);
    expect(await running).toBe(tooLate);
  });

  it('has stopped only once neither its instance nor its pod is left', async () => {
    const { admin } = cluster.kubernetes;
    await controller.start(record.targetName, { phase: 'Running' });
    await admin.create(PODS, launcherOf(record.targetName));
    await setRunStrategy(cluster.at(record), vm, 'Halted');
    const stopped = waitUntilStopped(cluster.at(record), WAIT);
    expect(await goesOn(stopped)).toBe(true);
    await controller.end(record.targetName);
    expect(await findInstance(cluster.at(record))).toBeUndefined();
    expect(await goesOn(stopped)).toBe(true);
    await admin.patch(`${PODS}/virt-launcher-${record.targetName}/status`, {
      status: { phase: 'Succeeded' },
    });
    await stopped;
  });
});

describe('a VM that is deleted', () => {
  const claims = (): readonly string[] => record.disks.map(({ pvcName }) => `${CLAIMS}/${pvcName}`);
  beforeEach(async () => {
    const at = cluster.at(record);
    for (const { diskId } of record.disks) await ensureClaim(at, diskId, SIZE);
    await ensureVm(at, vm);
  });
  const areThere = (): Promise<readonly boolean[]> =>
    Promise.all(claims().map((claim) => cluster.isThere(claim)));
  /** As a user deletes it. */
  async function remove(): Promise<void> {
    await cluster.kubernetes.admin.remove(path);
    await until('it is gone', async () => !(await cluster.isThere(path)));
  }
  /** The garbage collector has come so far that it removed what was made after the claims. */
  async function collected(): Promise<void> {
    const { uid } = (await see()).metadata;
    const owner = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', name: record.targetName, uid };
    const maps = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
    await cluster.kubernetes.admin.create(maps, {
      metadata: { name: record.targetName, ownerReferences: [owner] },
    });
    await remove();
    await until(
      'garbage was collected',
      async () => !(await cluster.isThere(`${maps}/${record.targetName}`)),
    );
  }

  it('leaves its disks before it owns them', async () => {
    await collected();
    expect(await areThere()).toEqual([true, true]);
  });

  it('takes its disks with it once it owns them, but none that was brought', async () => {
    const adopting = {
      ...record,
      disks: record.disks.map((disk, index) => (index === 0 ? { ...disk, adopted: true as const } : disk)),
    };
    await ownDisks(cluster.at(adopting));
    await ownDisks(cluster.at(adopting));
    await remove();
    await until('the disk is gone', async () => !(await cluster.isThere(claims()[1] ?? '')));
    expect(await areThere()).toEqual([true, false]);
  });

  it('leaves them again where that was taken back', async () => {
    const at = cluster.at(record);
    const owned = cluster.at(record, lateGuard);
    expect(await failure(ownDisks(owned))).toBe(tooLate);
    await ownDisks(at);
    await disownDisks(at);
    await collected();
    expect(await areThere()).toEqual([true, true]);
  });

  it('by us keeps them even if it owns them, and is absent the next time', async () => {
    const at = cluster.at(record);
    await ownDisks(at);
    expect(await releaseVm(at, WAIT)).toBe('removed');
    expect(await releaseVm(at, WAIT)).toBe('absent');
    for (const claim of claims()) expect(await see(claim)).not.toHaveProperty('metadata.ownerReferences');
    for (const claim of claims()) expect(await see(claim)).not.toHaveProperty('metadata.deletionTimestamp');
  });

  it('by us must have been halted, and is waited for until it has stopped', async () => {
    const at = cluster.at(record);
    await setRunStrategy(at, vm, 'Always');
    await controller.start(record.targetName, { phase: 'Running' });
    const error = await failure(releaseVm(at, WAIT));
    expect(error).toBeInstanceOf(VmNotHalted);
    expect((await findVm(at))?.metadata.deletionTimestamp).toBeUndefined();
    await setRunStrategy(at, vm, 'Halted');
    expect(await failure(releaseVm(at, { ...WAIT, patienceMs: 300 }))).toMatchObject({
      code: 'LL-KUB-046',
      seen: 'stopping',
    });
    expect((await findVm(at))?.metadata.deletionTimestamp).toBeUndefined();
    await controller.end(record.targetName);
    expect(await releaseVm(at, WAIT)).toBe('removed');
  });
});
