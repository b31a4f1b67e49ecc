import { copyFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ProgressEntry, progressBucket } from '@ledgerlift/contracts';
import {
  amendments,
  applyStubMarker,
  buildOva,
  makeSmallDisk,
  withBlankDisk,
  withConfigurations,
  withItemAttributes,
  HANGS_MS,
} from '@ledgerlift/testing';
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { Installation } from './installation/installation.js';
import { disksAreEqual, filesBelow, judgeLog, missingOnBus } from './installation/judge.js';

const MiB = 1024 * 1024;
let at: Installation;

beforeAll(async () => {
  at = await Installation.start();
  await makeSmallDisk(at.folder.file('one.raw'), { size: 8 * MiB, seed: 1 });
  await makeSmallDisk(at.folder.file('two.raw'), { size: 12 * MiB, seed: 2 });
  const disk = (name: string) => ({ raw: at.folder.file(name) });
  const nics = [{ network: 'VM Network' }];
  const folder = at.folder.file('ovas');
  await buildOva({
    name: 'vmware',
    folder,
    vms: [{ name: 'web', disks: [disk('one.raw'), disk('two.raw')], nics }],
  });
  await buildOva({
    name: 'vbox',
    folder,
    style: 'virtualbox',
    vms: [{ name: 'box', disks: [disk('one.raw')], nics }],
  });
  await buildOva({
    name: 'zip',
    folder,
    vms: [{ name: 'zipped', disks: [{ ...disk('one.raw'), compression: 'gzip' }], nics }],
  });
  await buildOva({
    name: 'cut',
    folder,
    vms: [{ name: 'chunked', disks: [{ ...disk('two.raw'), chunkSize: 256 * 1024 }], nics }],
  });
  await buildOva({
    name: 'open',
    folder,
    packing: 'folder',
    digest: 'SHA512',
    vms: [{ name: 'open', disks: [disk('one.raw')], nics }],
  });
  const both = ['left', 'right'].map((name) => ({ name, disks: [disk('one.raw')], nics }));
  await buildOva({ name: 'pair', folder, vms: both });
  await buildOva({
    name: 'appliance',
    folder,
    vms: [{ name: 'sized', disks: [disk('one.raw'), disk('two.raw')], nics }],
    amend: amendments(
      withConfigurations({ id: 'small', isDefault: true }, { id: 'large' }),
      withItemAttributes(17, 'ovf:configuration="small"', 'ovf:configuration="large"'),
      withBlankDisk('blank', 4 * MiB),
    ),
  });
  await at.prepare();
});
afterAll(() => at[Symbol.asyncDispose](), 60_000);

/** The disk as the stand-in for virt-v2v leaves it. */
async function converted(raw: string, index: number): Promise<string> {
  const copy = at.folder.file(`converted-${index}-${raw}`);
  await copyFile(at.folder.file(raw), copy);
  await applyStubMarker(copy, index);
  return copy;
}

describe('a cold migration through all four services', () => {
  it('moves a VM with two disks, and leaves nothing behind but the result and its log', async () => {
    const migration = await at.migrate('vmware', ['web'], { verify: 'full' });
    await at.succeeded(migration);
    const out = at.folder.file('out', 'default', 'web');
    expect(disksAreEqual(await converted('one.raw', 0), `${out}/web-disk-0.raw`)).toBe(true);
    expect(disksAreEqual(await converted('two.raw', 1), `${out}/web-disk-1.raw`)).toBe(true);
    expect(filesBelow(out)).toEqual([
      '.ledgerlift.json',
      'logs/virt-v2v.log',
      'manifests/domain.xml',
      'manifests/pvc-0.yaml',
      'manifests/pvc-1.yaml',
      'manifests/vm.yaml',
      'web-disk-0.raw',
      'web-disk-1.raw',
    ]);
    const { findings, ids } = await judgeLog(at.logFile);
    expect(findings).toBe(0);
    expect(await missingOnBus(at.nats.url, ids)).toEqual([]);
  });

  it.each([
    ['of VirtualBox, with a SHA-1 manifest', 'box', 'one.raw'],
    ['with a disk compressed by gzip', 'zipped', 'one.raw'],
    ['with a disk in chunks', 'chunked', 'two.raw'],
    ['that is unpacked', 'open', 'one.raw'],
    ['with several VMs', 'right', 'one.raw'],
  ])(
    'takes an OVA %s',
    async (_, vm, raw) => {
      const migration = await at.migrate(vm, [vm], { skipGuestConversion: true });
      await at.succeeded(migration);
      expect(
        disksAreEqual(at.folder.file(raw), at.folder.file('out', 'default', vm, `${vm}-disk-0.raw`)),
      ).toBe(true);
      expect(
        filesBelow(at.folder.file('out', 'default', vm)).filter((name) =>
          /unpacked|chunks|writer/.test(name),
        ),
      ).toEqual([]);
    },
    90_000,
  );

  it('takes the configuration that the plan names, and an empty disk as zeros', async () => {
    await writeFile(at.folder.file('zeros'), Buffer.alloc(4 * MiB));
    const vms = [{ ref: 'sized', configuration: 'large' }];
    const migration = await at.migrate('sized', [], { vms, skipGuestConversion: true, verify: 'full' });
    await at.succeeded(migration);
    const out = at.folder.file('out', 'default', 'sized');
    expect(filesBelow(out).filter((name) => name.endsWith('.raw'))).toEqual([
      'sized-disk-0.raw',
      'sized-disk-1.raw',
    ]);
    expect(disksAreEqual(at.folder.file('two.raw'), `${out}/sized-disk-0.raw`)).toBe(true);
    expect(disksAreEqual(at.folder.file('zeros'), `${out}/sized-disk-1.raw`)).toBe(true);
  }, 90_000);

  it('leaves nothing at all when it is canceled in the middle of a copy', async () => {
    const migration = await at.migrate('canceled', ['left'], {
      skipGuestConversion: true,
      bandwidthLimit: MiB,
    });
    await at.reached(migration, 'DiskTransfer');
    const key = `${migration}.0`;
    await progressOf(key, (entry) => entry?.items.some(({ unit }) => unit === 'bytes') === true);
    await at.call('migrations.cancel', { params: { migration }, body: { reason: 'a test' } });
    expect(await at.ended(migration)).toMatchObject({ status: 'canceled' });
    expect(filesBelow(at.folder.file('out')).filter((name) => name.includes('left'))).toEqual([]);
    expect((await at.vm(migration)).kept).toEqual([]);
    await progressOf(key, (entry) => entry === undefined);
  });
});

/** Waits until the bucket of progress says so. */
async function progressOf(key: string, is: (entry: ProgressEntry | undefined) => boolean): Promise<void> {
  const nc = await connect({ servers: at.nats.url });
  try {
    const kv = await new Kvm(nc).open(progressBucket.name);
    for (const end = Date.now() + HANGS_MS; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
      const found = await kv.get(key);
      const entry = found?.operation === 'PUT' ? ProgressEntry.parse(found.json()) : undefined;
      if (is(entry)) return;
      if (Date.now() > end) throw new Error(`the bucket says ${JSON.stringify(entry)}`);
    }
  } finally {
    await nc.close();
  }
}
