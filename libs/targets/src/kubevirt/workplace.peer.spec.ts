import { afterEach, describe, expect, it } from '@jest/globals';
import type { Resource } from '@ledgerlift/contracts';
import { until } from '@ledgerlift/testing';
import { targetVm } from '../vm-model/index.js';
import { type Guard, inReleaseOrder, type Workplace } from '../workplace.js';
import { CLAIMS, failure, guard, PODS, tooLate, VMS } from './at-cluster.fixture.js';
import { kubevirtTarget } from './index.js';
import { endPod } from './pod/launch.js';
import { podName } from './pod/names.js';
import {
  areThere,
  cluster,
  ensure,
  hold,
  holdForTest,
  type Kept,
  launch,
  MiB,
  PATIENT,
  podPath,
  record,
  scratchPath,
  SECRETS,
  see,
  tell,
} from './pod/pods-at-work.fixture.js';

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
