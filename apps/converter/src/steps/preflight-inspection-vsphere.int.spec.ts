import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ProviderSpec, type VmRecord, type Snapshot } from '@ledgerlift/contracts';
import { closeSources, sourceProvider } from '@ledgerlift/providers';
import { snapshotName } from '@ledgerlift/targets';
import {
  attemptOf,
  startVsphere,
  type TemporaryFolder,
  temporaryFolder,
  vddkPlugin,
  type Vsphere,
} from '@ledgerlift/testing';
import { stubSettings } from '../spec/stub.js';
import { openPlace, vmOf } from '../spec/vm.js';
import { preflightInspection } from './preflight-inspection.js';

let vsphere: Vsphere;
let folder: TemporaryFolder;
let record: VmRecord;
let snapshot: Snapshot;
beforeAll(async () => {
  folder = temporaryFolder('inspection-vsphere');
  vsphere = await startVsphere({
    vms: [{ name: 'web', disks: [{}, {}].map(() => ({ capacityBytes: 4 * 2 ** 20 })) }],
  });
  process.env['LEDGERLIFT_SECRETS_DIR'] = folder.file('secrets');
  mkdirSync(folder.file('secrets/vcenter'), { recursive: true });
  writeFileSync(folder.file('secrets/vcenter/user'), vsphere.admin.user);
  writeFileSync(folder.file('secrets/vcenter/password'), vsphere.admin.password);
  const caCertificate = readFileSync(vsphere.caFile, 'utf8');
  const settings = { url: vsphere.url, caCertificate };
  const spec = ProviderSpec.parse({ name: 'vcenter', type: 'vsphere', settings });
  const provider = sourceProvider('vsphere');
  const vm = await provider?.currentVm(spec, (await vsphere.vm('web')).moref);
  if (vm === undefined) throw new Error('there is no VM');
  const base = vmOf({ root: folder.path, disks: 2, settings: { type: 'warm', inspect: true } });
  const disks = base.disks.map((disk, index) => ({ ...disk, diskId: vm.disks[index]?.id ?? '' }));
  record = { ...base, disks, source: { provider: { id: 'src', spec }, vm } };
  const patience = { signal: new AbortController().signal, timeLimitMs: 240_000 };
  const made = await provider?.snapshots?.create(spec, vm, snapshotName(record, 0), patience, {
    enableChangeTracking: true,
  });
  if (made === undefined) throw new Error('there is no snapshot');
  snapshot = made;
  await openPlace(record);
});
afterAll(async () => {
  await closeSources();
  await vsphere.stop();
  await folder.remove();
});

const inspect = async (env: Record<string, string>) =>
  preflightInspection(stubSettings(folder.path, env))(
    attemptOf(record, {
      step: 'PreflightInspection',
      results: [],
      pass: { kind: 'full', round: 0, snapshot },
    }),
  );

describe('the inspection of a guest in vSphere', () => {
  it('reads its snapshot through VDDK, under an overlay for each disk, and writes nothing', async () => {
    const { plugin, libdir } = vddkPlugin();
    const before = readFileSync((await vsphere.vm('web')).snapshots[0]?.disks[0]?.hostFile ?? '');
    const result = await inspect({
      LEDGERLIFT_VDDK_DIR: libdir,
      LEDGERLIFT_VDDK_PLUGIN: plugin,
      LEDGERLIFT_VDDK_READS: vsphere.dataFolder,
    });
    expect(result).toMatchObject({ step: 'PreflightInspection', inspection: { osName: 'debian12' } });
    const opened = (await vsphere.journal()).filter(({ effect }) => effect === 'disk-opened');
    expect(new Set(opened.map(({ name }) => name)).size).toBe(2);
    const after = readFileSync((await vsphere.vm('web')).snapshots[0]?.disks[0]?.hostFile ?? '');
    expect(after.equals(before)).toBe(true);
  });

  it('needs VDDK', async () => {
    await expect(inspect({})).rejects.toMatchObject({ code: 'LL-VSP-046', failure: 'needs-operator' });
  });
});
