import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ProviderSpec } from '@ledgerlift/contracts';
import { registerProvider } from '@ledgerlift/providers';
import { LabHypervisor, type TemporaryFolder, temporaryFolder } from '@ledgerlift/testing';
import { labProvider } from '@ledgerlift/testing-extensions';
import { Run, recordOf } from '../spec/run.js';

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

const spec = (): ProviderSpec => ({
  name: 'lab',
  type: 'x-lab',
  sites: ['local'],
  settings: { url: lab.url },
});
const provider = labProvider;

describe('a power-off after an earlier attempt with an unknown result', () => {
  it('leaves a running source on, and succeeds if the source is off', async () => {
    const id = await lab.createVm({ name: 'web', disks: [{ id: 'a', capacityBytes: 1024 * 1024 }] });
    await lab.power(id, 'on');
    const vm = await provider?.currentVm(spec(), id);
    if (vm === undefined) throw new Error('the lab lost the VM');
    const run = new Run(recordOf({ url: lab.url, vm, root: folder.path, settings: { type: 'cold' } }));
    const outside = { powerOff: 'only-if-off' } as const;
    await expect(run.ask('SourcePowerOff', outside)).rejects.toMatchObject({ outcome: 'stopped' });
    expect(await provider?.powerState(spec(), vm)).toBe('on');
    await run.ask('SourcePowerOff');
    expect(await run.ask('SourcePowerOff', outside)).toMatchObject({ how: 'was-off' });
  });
});

describe('a retirement whose worker is lost before its report', () => {
  const what = { disconnectNics: false, tag: 'moved' };
  async function retired(tags: string[]): Promise<{ run: Run; tagsNow: () => Promise<unknown> }> {
    const id = await lab.createVm({ name: 'web', disks: [{ id: 'a', capacityBytes: 1024 * 1024 }], tags });
    const vm = await provider?.currentVm(spec(), id);
    if (vm === undefined) throw new Error('the lab lost the VM');
    const settings = { type: 'cold' as const, retireSource: what };
    const run = new Run(recordOf({ url: lab.url, vm, root: folder.path, settings }));
    await run.ask('Initialize');
    await run.ask('SourceRetirement');
    // The log has its claim, but not its result.
    run.results = run.results.filter(({ step }) => step !== 'SourceRetirement');
    await run.ask('SourceRetirement');
    return { run, tagsNow: async () => (await provider?.currentVm(spec(), id))?.tags ?? [] };
  }

  it('leaves no tag: the rollback removes it', async () => {
    const { run, tagsNow } = await retired([]);
    expect(await tagsNow()).toEqual(['moved']);
    expect(run.ledger).toEqual([expect.objectContaining({ kind: 'source-tag', name: 'moved' })]);
    expect(await run.ask('SourceRestoration')).toMatchObject({ did: ["took the tag 'moved' away"] });
    expect(await tagsNow()).toEqual([]);
    expect(run.ledger).toEqual([]);
  });

  it('keeps a tag that the source had before', async () => {
    const { run, tagsNow } = await retired(['moved']);
    await run.ask('SourceRestoration');
    expect(await tagsNow()).toEqual(['moved']);
  });
});
