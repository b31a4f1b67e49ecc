import { readFile, readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { DiskResult, ProviderSpec, SourceVm, TransferPass } from '@ledgerlift/contracts';
import { AttemptCanceled, LeaseLost, SourceRanMeanwhile } from '@ledgerlift/worker';
import { registerProvider } from '@ledgerlift/providers';
import { snapshotName, snapshotPrefix, targetOf } from '@ledgerlift/targets';
import { LabHypervisor, type LabVmRequest, type TemporaryFolder, temporaryFolder } from '@ledgerlift/testing';
import { labProvider } from '@ledgerlift/testing-extensions';
import { Run, recordOf } from '../spec/run.js';

const MiB = 1024 * 1024;
const SIZE = 24 * MiB;
const spec = (url: string): ProviderSpec => ({
  name: 'lab',
  type: 'x-lab',
  sites: ['local'],
  settings: { url },
});
const provider = labProvider;

registerProvider(labProvider);
let lab: LabHypervisor;
let folder: TemporaryFolder;
beforeAll(async () => {
  lab = await LabHypervisor.start();
});
afterAll(() => lab.stop());
beforeEach(() => {
  folder = temporaryFolder('target');
});
afterEach(() => folder.remove());

/** A running VM that writes mostly to one area, and its migration. */
async function running(more: Partial<LabVmRequest> = {}): Promise<Run> {
  const id = await lab.createVm({
    name: 'web',
    disks: [
      { id: 'a', capacityBytes: 16 * MiB, filled: 0.7 },
      { id: 'b', capacityBytes: 8 * MiB, seed: 2 },
    ],
    workload: { roundsPerSecond: 200, regionBytes: 2 * MiB },
    ...more,
  });
  await lab.power(id, 'on');
  const vm = await provider?.currentVm(spec(lab.url), id);
  if (vm === undefined) throw new Error('the lab lost the VM');
  const run = new Run(recordOf({ url: lab.url, vm, root: folder.path }));
  await run.ask('Initialize');
  await run.ask('DiskAllocation');
  return run;
}

const vmOf = ({ record }: Run): SourceVm => record.source.vm;
const names = async (run: Run): Promise<readonly string[]> =>
  (await provider?.snapshots?.list(spec(lab.url), vmOf(run))) ?? [];
const sum = (disks: readonly DiskResult[], of: 'bytesRead' | 'bytesWritten'): number =>
  disks.reduce((all, disk) => all + disk[of], 0);

/** The steps of one round up to its copy, in the itinerary's order. */
async function prepared(run: Run, kind: TransferPass['kind'], round: number): Promise<TransferPass> {
  if (round > 0) await run.ask('SnapshotRemoval', { pass: { kind, round } });
  const { snapshot } = await run.ask('SnapshotCreation', { pass: { kind, round } });
  return { kind, round, snapshot };
}
async function copied(run: Run, kind: TransferPass['kind'], round: number): Promise<readonly DiskResult[]> {
  return (await run.ask('DiskTransfer', { pass: await prepared(run, kind, round) })).disks;
}
async function expectEqual(run: Run): Promise<void> {
  for (const { diskId, name, format } of run.record.disks)
    expect([diskId, await lab.compare(vmOf(run).id, diskId, folder.file(name), format)]).toEqual([
      diskId,
      true,
    ]);
}

describe('a warm migration', () => {
  it('copies a running VM, then its changes, then the rest: every bit arrives', async () => {
    const run = await running();
    const full = await copied(run, 'full', 0);
    const delta = await copied(run, 'delta', 1);
    await delay(200);
    await copied(run, 'delta', 2);
    await run.ask('SourcePowerOff');
    const final = await copied(run, 'final', 3);
    expect(run.results.at(-1)).toMatchObject({ pass: { kind: 'final', round: 3 } });
    expect(full.map(({ verified }) => verified)).toEqual(['none', 'none']);
    expect(final.map(({ verified }) => verified)).toEqual(['full', 'full']);
    expect(sum(delta, 'bytesRead')).toBeLessThan(SIZE / 3);
    expect(sum(delta, 'bytesRead')).toBeGreaterThan(0);
    expect(await names(run)).toEqual([snapshotName(run.record, 3)]);
    await expectEqual(run);
  });

  it('has the digest of a cold copy of the same disk', async () => {
    const run = await running();
    await copied(run, 'full', 0);
    await run.ask('SourcePowerOff');
    const warm = await copied(run, 'final', 1);
    await using other = temporaryFolder('cold');
    const cold = new Run(recordOf({ url: lab.url, vm: vmOf(run), root: other.path, format: 'qcow2' }));
    await cold.ask('DiskAllocation');
    await cold.ask('SourcePowerOff');
    const { disks } = await cold.ask('DiskTransfer');
    expect(disks.map(({ digest }) => digest)).toEqual(warm.map(({ digest }) => digest));
  });

  it('continues a round that the cutover stopped', async () => {
    const run = await running();
    const pass = await prepared(run, 'full', 0);
    const stop = new AbortController();
    const broken = run.ask('DiskTransfer', {
      pass,
      signal: stop.signal,
      bandwidthLimit: 6 * MiB,
      onProgress: (items) => {
        if (items.some(({ done }) => done > 0)) stop.abort(new AttemptCanceled('cutover'));
      },
    });
    await expect(broken).rejects.toBeInstanceOf(AttemptCanceled);
    const reached = run.checkpoints.reduce((all, { bytesDone }) => all + bytesDone, 0);
    expect(reached).toBeGreaterThan(0);
    expect(reached).toBeLessThan(SIZE);
    expect(run.checkpoints.map(({ changeId }) => typeof changeId)).toEqual(
      run.checkpoints.map(() => 'string'),
    );
    await run.ask('SourcePowerOff');
    await copied(run, 'final', 1);
    await expectEqual(run);
  });

  it('compares everything if the change ids are void, and rewrites the differences', async () => {
    const run = await running();
    await copied(run, 'full', 0);
    await lab.do('POST', `/vms/${vmOf(run).id}/reset-cbt`);
    const delta = await copied(run, 'delta', 1);
    expect(delta.map(({ resumed }) => resumed)).toEqual(delta.map(() => expect.stringMatching(/^compared/)));
    expect(sum(delta, 'bytesWritten')).toBeLessThan(SIZE / 3);
    await run.ask('SourcePowerOff');
    await copied(run, 'final', 2);
    await expectEqual(run);
  });

  it('makes no checkpoint after losing its lease', async () => {
    const run = await running();
    const pass = await prepared(run, 'full', 0);
    const stop = new AbortController();
    let before = [...run.checkpoints];
    const lost = run.ask('DiskTransfer', {
      pass,
      signal: stop.signal,
      bandwidthLimit: 3 * MiB,
      onProgress: (items) => {
        if (stop.signal.aborted || items.every(({ done }) => done === 0)) return;
        before = [...run.checkpoints];
        stop.abort(new LeaseLost('no answer'));
      },
    });
    await expect(lost).rejects.toBeInstanceOf(LeaseLost);
    expect(run.checkpoints).toEqual(before);
  });

  it('stops even if its target hangs, and continues from the flushed data', async () => {
    const run = await running();
    const pass = await prepared(run, 'full', 0);
    const stop = new AbortController();
    const hung = run.ask('DiskTransfer', { pass, signal: stop.signal, bandwidthLimit: 4 * MiB });
    hung.catch(() => undefined);
    const written = async (): Promise<readonly string[]> =>
      (await readdir(folder.file('default/web'))).filter((name) => name.endsWith('.writer.json'));
    for (let tries = 0; (await written()).length < 2 && tries < 200; tries += 1) await delay(20);
    await delay(300);
    const records = await written();
    for (const name of records) {
      const { pid } = JSON.parse(await readFile(folder.file('default/web', name), 'utf8')) as { pid: number };
      process.kill(pid, 'SIGSTOP');
    }
    expect(records).toHaveLength(2);
    stop.abort(new AttemptCanceled('pause'));
    await expect(hung).rejects.toBeInstanceOf(AttemptCanceled);
    await run.ask('DiskTransfer', { pass });
    await run.ask('SourcePowerOff');
    await copied(run, 'final', 1);
    await expectEqual(run);
  });

  it('powers its source on again, and retires it', async () => {
    const run = await running();
    await run.ask('SourcePowerOff');
    expect(await run.ask('SourcePowerOn')).toMatchObject({ powerState: 'on' });
    const retired = new Run({
      ...run.record,
      settings: { ...run.record.settings, retireSource: { disconnectNics: false, tag: 'moved' } },
    });
    expect((await retired.ask('SourceRetirement')).did).toEqual([expect.stringContaining('moved')]);
  });
});

describe('a source that ran after its power-off', () => {
  it('is detected before the last round copies anything', async () => {
    const run = await running();
    await copied(run, 'full', 0);
    await run.ask('SourcePowerOff');
    const pass = await prepared(run, 'final', 1);
    await lab.power(vmOf(run).id, 'on');
    await expect(run.ask('DiskTransfer', { pass })).rejects.toBeInstanceOf(SourceRanMeanwhile);
    await lab.power(vmOf(run).id, 'force-off');
    await expect(run.ask('DiskTransfer', { pass })).rejects.toThrow(/stands for/);
  });

  it('is detected at the end of the last round, then powered off and copied again', async () => {
    const run = await running();
    await run.ask('SourcePowerOff');
    const pass = await prepared(run, 'final', 0);
    let seen = false;
    const copying = run.ask('DiskTransfer', {
      pass,
      bandwidthLimit: 8 * MiB,
      onProgress: () => (seen = true),
    });
    copying.catch(() => undefined);
    while (!seen) await delay(10);
    await lab.power(vmOf(run).id, 'on');
    await expect(copying).rejects.toBeInstanceOf(SourceRanMeanwhile);
    await run.ask('SourcePowerOff');
    await copied(run, 'final', 1);
    await expectEqual(run);
  });

  it('is reported instead of errors that it caused', async () => {
    const run = await running();
    const cold = new Run({ ...run.record, settings: { ...run.record.settings, type: 'cold' } });
    await cold.ask('SourcePowerOff');
    let seen = false;
    const copying = cold.ask('DiskTransfer', { bandwidthLimit: 4 * MiB, onProgress: () => (seen = true) });
    copying.catch(() => undefined);
    while (!seen) await delay(10);
    await lab.power(vmOf(run).id, 'on');
    await expect(copying).rejects.toBeInstanceOf(SourceRanMeanwhile);
  });
});

describe('snapshots', () => {
  it('are found by the next attempt, not taken twice', async () => {
    const run = await running({ behaviour: { snapshotMs: 200 } });
    const pass = { kind: 'full', round: 0 } as const;
    const stop = new AbortController();
    setTimeout(() => stop.abort(new AttemptCanceled('gone')), 100);
    await expect(run.ask('SnapshotCreation', { pass, signal: stop.signal })).rejects.toThrow('gone');
    const { snapshot } = await run.ask('SnapshotCreation', { pass });
    expect((await run.ask('SnapshotCreation', { pass })).snapshot).toEqual(snapshot);
    expect(await names(run)).toEqual([snapshotName(run.record, 0)]);
    expect(run.ledger.filter(({ kind }) => kind === 'snapshot')).toHaveLength(1);
  });

  it('of earlier rounds are removed and confirmed gone; others stay', async () => {
    const run = await running({ behaviour: { removeSnapshotMs: 300 } });
    await lab.createSnapshot(vmOf(run).id, 'by-the-user');
    await run.ask('SnapshotCreation', { pass: { kind: 'full', round: 0 } });
    await run.ask('SnapshotCreation', { pass: { kind: 'delta', round: 1 } });
    const began = Date.now();
    const { removed } = await run.ask('SnapshotRemoval', { pass: { kind: 'delta', round: 1 } });
    expect(Date.now() - began).toBeGreaterThanOrEqual(300);
    expect(removed).toEqual([snapshotName(run.record, 0)]);
    expect(await names(run)).toEqual(['by-the-user', snapshotName(run.record, 1)]);
    expect(run.released).toEqual([
      { resource: expect.objectContaining({ name: snapshotName(run.record, 0) }), how: 'removed' },
    ]);
    expect(run.ledger.map(({ name }) => name)).not.toContain(snapshotName(run.record, 0));
  });

  it('are all removed by the clean-up, including one unknown to the log; others stay', async () => {
    const run = await running();
    await lab.createSnapshot(vmOf(run).id, 'by-the-user');
    const otherRun = `${snapshotPrefix({ ...run.record, migrationId: 'm2' })}0`;
    await lab.createSnapshot(vmOf(run).id, otherRun);
    await lab.createSnapshot(vmOf(run).id, `${snapshotPrefix(run.record)}0-kept`);
    await copied(run, 'full', 0);
    await lab.createSnapshot(vmOf(run).id, snapshotName(run.record, 7));
    const release = [
      ...run.ledger,
      ...Object.values(targetOf('directory').claimsFor(run.record))
        .flat()
        .filter(({ service, kind }) => service === 'transfer' && kind !== 'snapshot'),
    ];
    await run.ask('Cleanup', { release });
    expect(await names(run)).toEqual(['by-the-user', otherRun, `${snapshotPrefix(run.record)}0-kept`]);
    expect(run.ledger).toEqual([]);
    // Only an empty folder is removed, so nothing else was left in it.
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('that disappeared with their VM are absent', async () => {
    const run = await running();
    await run.ask('SnapshotCreation', { pass: { kind: 'full', round: 0 } });
    await lab.power(vmOf(run).id, 'force-off');
    await lab.do('DELETE', `/vms/${vmOf(run).id}`);
    await run.ask('Cleanup', { release: run.ledger });
    expect(run.released.map(({ how }) => how)).toEqual(['absent']);
  });
});

describe('a source whose target has no room', () => {
  it('is not powered off', async () => {
    const { record } = await running();
    const { vm } = record.source;
    const disks = vm.disks.map((disk) => ({ ...disk, capacityBytes: 2 ** 50 }));
    const run = new Run({ ...record, source: { ...record.source, vm: { ...vm, disks } } });
    await expect(run.ask('SourcePowerOff')).rejects.toMatchObject({
      code: 'LL-TRF-004',
      failure: 'needs-operator',
    });
    expect(await provider?.currentVm(spec(lab.url), vm.id)).toMatchObject({ powerState: 'on' });
  });
});
