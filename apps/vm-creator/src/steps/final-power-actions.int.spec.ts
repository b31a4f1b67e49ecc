import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { VmRecord } from '@ledgerlift/contracts';
import { sourceProvider } from '@ledgerlift/providers';
import {
  buildOva,
  converted,
  makeSmallDisk,
  type TemporaryFolder,
  temporaryFolder,
} from '@ledgerlift/testing';
import { SourceRanMeanwhile } from '@ledgerlift/worker';
import { ResultMissing, SourceMomentUnknown, SourceNotSeenOff } from '../errors.js';
import { attemptAt, openPlace, poweredOff, vmOf } from '../spec/job.js';
import { askSource, finalPowerActions, type SourceNow, virtualMachineCreation } from './target-power.js';

let temporary: TemporaryFolder;
let root: string;
beforeEach(() => {
  temporary = temporaryFolder('final');
  root = temporary.path;
});
afterEach(() => temporary.remove());

const results = [poweredOff('moment-0'), poweredOff('moment-1'), converted];
const runStrategy = (): string | undefined =>
  /runStrategy: (.*)/.exec(readFileSync(join(root, 'default/web/manifests/vm.yaml'), 'utf8'))?.[1];

/** A created VM that should run. */
async function made(): Promise<VmRecord> {
  const record: VmRecord = { ...vmOf({ root, disks: 2 }), powerState: 'on' };
  await openPlace(record);
  await virtualMachineCreation(attemptAt('VirtualMachineCreation', record, { results }));
  return record;
}

const finish = (record: VmRecord, now: SourceNow) =>
  finalPowerActions(() => Promise.resolve(now))(attemptAt('FinalPowerActions', record, { results }));

describe('FinalPowerActions', () => {
  it('lets the target start only if the source is off at the moment of its last power-off', async () => {
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
  ])('fails if the source %s, and the target cannot start', async (_, now) => {
    await expect(finish(await made(), now)).rejects.toThrow(SourceRanMeanwhile);
    expect(runStrategy()).toBe('Halted');
  });

  it('does not accept a missing answer as proof', async () => {
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

  it('needs the moment that was copied', async () => {
    const ask = finalPowerActions(() => Promise.resolve({ powerState: 'off', momentId: 'moment-1' }));
    await expect(ask(attemptAt('FinalPowerActions', await made()))).rejects.toThrow(ResultMissing);
  });

  it('uses the content of an OVA as its moment', async () => {
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
