import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { NotOurs } from '../../errors.js';
import { targetVm } from '../../vm-model/index.js';
import { failure, lateGuard, NAMESPACE, tooLate } from '../at-cluster.fixture.js';
import { kubevirtTarget } from '../index.js';
import { ownDisks } from '../vm/own-disks.js';
import { ensureVm } from '../vm/virtual-machine.js';
import { keepLog, keptLogName } from './kept-logs.js';
import { endPod } from './launch.js';
import { podName } from './names.js';
import { areThere, cluster, ensure, PATIENT, record, see, tell } from './pods-at-work.fixture.js';

const CONFIG_MAPS = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
const KiB = 1024;
const log = (): string => `${record.folder}/logs/virt-v2v.log`;
const keptPath = (): string => `${CONFIG_MAPS}/${keptLogName(record, log())}`;
const keep = (text: string, sizeBytes = text.length): Promise<void> =>
  keepLog(cluster.at(record), log(), { text, sizeBytes });
const read = (tailBytes = 64 * KiB) => kubevirtTarget.readLog(record, log(), tailBytes);

describe('a log that outlives its pod', () => {
  it('is there until it is released, and names its VM', async () => {
    expect(await read()).toBeUndefined();
    await keep('virt-v2v: converted\n', 150_000);
    expect(await read()).toEqual({ text: 'virt-v2v: converted\n', sizeBytes: 150_000 });
    expect(await read(10)).toEqual({ text: 'converted\n', sizeBytes: 150_000 });
    expect(await see(keptPath())).toMatchObject({
      metadata: {
        name: `${podName(record)}-virt-v2v`,
        labels: { 'ledgerlift.io/migration': record.migrationId },
      },
      data: { log: log() },
    });
    await using work = await kubevirtTarget.workplace(record, cluster.at(record).guard);
    const claimed = kubevirtTarget.claimsFor(record).ImageConversion;
    expect(claimed.map(({ name }) => name)).toEqual([log()]);
    for (const how of ['removed', 'absent'])
      for (const resource of claimed) expect(await work.release(resource)).toBe(how);
    expect(await cluster.isThere(keptPath())).toBe(false);
    expect(await read()).toBeUndefined();
  });

  it('is replaced by a newer one', async () => {
    await keep('of the first pod\n');
    await keep('of the second pod\n');
    expect((await read())?.text).toBe('of the second pod\n');
  });

  it('takes little room, however long it is and whatever it holds', async () => {
    await keep(randomBytes(300 * KiB).toString('latin1'), 9_999_999);
    const { text = '', sizeBytes } = (await read(1024 * KiB)) ?? {};
    expect(sizeBytes).toBe(9_999_999);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(128 * KiB);
    expect(Buffer.byteLength(text)).toBeGreaterThan(127 * KiB);
    expect(JSON.stringify(await see(keptPath())).length).toBeLessThan(256 * KiB);
  });

  it('belongs to this migration alone', async () => {
    await cluster.kubernetes.admin.create(CONFIG_MAPS, {
      metadata: { name: keptLogName(record, log()) },
      data: { log: 'theirs' },
    });
    expect(await failure(keep('ours\n'))).toBeInstanceOf(NotOurs);
    expect(await read()).toBeUndefined();
    await using work = await kubevirtTarget.workplace(record, cluster.at(record).guard);
    for (const resource of kubevirtTarget.claimsFor(record).ImageConversion)
      expect(await work.release(resource)).toBe('absent');
    expect(await see(keptPath())).toMatchObject({ data: { log: 'theirs' } });
  });

  it('is not kept by an attempt that is over', async () => {
    const late = keepLog(cluster.at(record, lateGuard), log(), { text: 'late\n', sizeBytes: 5 });
    expect(await failure(late)).toBe(tooLate);
    expect(await cluster.isThere(keptPath())).toBe(false);
  });

  it('stays unchanged if the pod’s node does not answer, and delays neither the pod’s end nor readers', async () => {
    await keep('before\n');
    await ensure();
    await tell({ phase: 'Running' });
    expect((await read())?.text).toBe('before\n');
    expect(await endPod(cluster.at(record), PATIENT)).toBe('removed');
    expect(await areThere()).toEqual([false, true, true]);
    expect((await read())?.text).toBe('before\n');
  });

  it('goes with the VM once that is its user’s', async () => {
    const at = cluster.at(record);
    await keep('converted\n');
    await ensureVm(at, targetVm(record));
    await ownDisks(at);
    expect(await see(keptPath())).toMatchObject({
      metadata: { ownerReferences: [{ kind: 'VirtualMachine', name: record.targetName }] },
    });
  });
});
