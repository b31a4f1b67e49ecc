import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VmRecord } from '@ledgerlift/contracts';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SourceRanMeanwhile } from '@ledgerlift/worker';
import { sourceProvider } from '@ledgerlift/providers';
import { buildOva, converted, makeSmallDisk } from '@ledgerlift/testing';
import { ResultMissing, SourceMomentUnknown, SourceNotSeenOff } from '../errors.js';
import { attemptAt, openPlace, poweredOff, vmOf } from '../spec/job.js';
import { finalPowerActions } from './final-power-actions.js';
import { askSource, type SourceNow } from './source-now.js';
import { virtualMachineCreation } from './virtual-machine-creation.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ledgerlift-final-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const results = [poweredOff('moment-0'), poweredOff('moment-1'), converted];
const runStrategy = (): string | undefined =>
  /runStrategy: (.*)/.exec(readFileSync(join(root, 'default/web/manifests/vm.yaml'), 'utf8'))?.[1];

/** The VM is made, and shall run. */
async function made(): Promise<VmRecord> {
  const record: VmRecord = { ...vmOf({ root, disks: 2 }), powerState: 'on' };
  await openPlace(record);
  await virtualMachineCreation(attemptAt('VirtualMachineCreation', record, { results }));
  return record;
}

const finish = (record: VmRecord, now: SourceNow) =>
  finalPowerActions(() => Promise.resolve(now))(attemptAt('FinalPowerActions', record, { results }));

describe('FinalPowerActions', () => {
  it('lets the target start when the source is off at the moment of its last power-off, not before', async () => {
    const record = await made();
    expect(runStrategy()).toBe('Halted');
    expect(await finish(record, { powerState: 'off', momentId: 'moment-1' })).toEqual({
      step: 'FinalPowerActions',
      sourcePowerState: 'off',
      target: 'halted (runStrategy Always)',
    });
    expect(runStrategy()).toBe('Always');
  });

  it.each<[string, SourceNow]>([
    ['runs', { powerState: 'on', momentId: undefined }],
    ['is suspended', { powerState: 'suspended', momentId: undefined }],
    ['is off, and ran in between', { powerState: 'off', momentId: 'moment-2' }],
    ['is off at the moment of an earlier power-off', { powerState: 'off', momentId: 'moment-0' }],
  ])('ends where the source %s, and the target cannot start', async (_, now) => {
    await expect(finish(await made(), now)).rejects.toThrow(SourceRanMeanwhile);
    expect(runStrategy()).toBe('Halted');
  });

  it('takes silence for no proof', async () => {
    const record = await made();
    const unknown = finish(record, { powerState: 'unknown', momentId: undefined });
    await expect(unknown).rejects.toThrow(SourceNotSeenOff);
    await expect(unknown).rejects.toMatchObject({ effect: 'none' });
    const gone = finish(record, { powerState: 'off', momentId: undefined });
    await expect(gone).rejects.toThrow(SourceMomentUnknown);
    await expect(gone).rejects.toMatchObject({ effect: 'none' });
    const silent = finalPowerActions(() => Promise.reject(new Error('no route to host')))(
      attemptAt('FinalPowerActions', record, { results }),
    );
    await expect(silent).rejects.toMatchObject({ code: 'LL-VMC-012', effect: 'none', failure: 'transient' });
    expect(runStrategy()).toBe('Halted');
  });

  it('needs to know the moment that was copied', async () => {
    const ask = finalPowerActions(() => Promise.resolve({ powerState: 'off', momentId: 'moment-1' }));
    await expect(ask(attemptAt('FinalPowerActions', await made()))).rejects.toThrow(ResultMissing);
  });

  it('takes the content of an OVA for its moment', async () => {
    const raw = join(root, 'disk.raw');
    await makeSmallDisk(raw, { size: 1 << 20 });
    const build = (cpus: number) =>
      buildOva({ name: 'web', folder: root, vms: [{ name: 'web', disks: [{ raw }], cpus }] });
    await build(1);
    const spec = { name: 'files', type: 'ova', sites: ['local'], settings: { path: root } } as const;
    const vm = (await sourceProvider('ova')?.inventory({ ...spec, sites: ['local'] }))?.vms[0];
    if (vm === undefined) throw new Error('the OVA has no VM');
    const { id, fingerprint } = vm;
    const record = await made();
    const { source } = record;
    const ova: VmRecord = {
      ...record,
      source: {
        provider: { ...source.provider, spec: { ...spec, sites: ['local'] } },
        vm: { ...source.vm, id },
      },
    };
    const attempt = () =>
      finalPowerActions(askSource)(
        attemptAt('FinalPowerActions', ova, { results: [poweredOff(fingerprint), converted] }),
      );
    expect(await attempt()).toMatchObject({ sourcePowerState: 'off' });
    await build(2);
    await expect(attempt()).rejects.toThrow(SourceRanMeanwhile);
    rmSync(join(root, 'web.ova'));
    await expect(attempt()).rejects.toThrow(SourceMomentUnknown);
  });
});
