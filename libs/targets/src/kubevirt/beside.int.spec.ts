import { execFile } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { VmRecord } from '@ledgerlift/contracts';
import { type CopyResult, Throttle, copyDisk, serveForVerification } from '@ledgerlift/disk-transfer';
import { type TemporaryFolder, temporaryFolder } from '@ledgerlift/testing';
import { WrongDisk } from '../errors.js';
import type { DiskWriter, Guard, Workplace } from '../workplace.js';
import { besideDisks, workplaceBeside } from './beside.js';
import { NotInsideTheCluster } from './errors.js';
import { kubevirtTarget } from './index.js';
import { ShownLogs, ShownLogsReader } from './pod/shown-logs.js';
import { clusterRecord } from './pod/pod-record.fixture.js';

/** Loop devices in the place of a block volume: they need root, as CI has it. Without it these specs fail, and are not left out. */
const run = promisify(execFile);
const MiB = 2 ** 20;
const DISK = 4 * MiB;
const tooLate = new Error('this attempt is over');
const SETTINGS = ['LEDGERLIFT_BESIDE_DISKS', 'LEDGERLIFT_SCRATCH'] as const;

let folder: TemporaryFolder;
let record: VmRecord;
let device: string;
let before: Readonly<Record<string, string | undefined>>;
let opened: DiskWriter[];

/** A claim's device, with what was written there before. */
async function attach(size: number): Promise<string> {
  const backing = folder.file(`volume-${size}`);
  writeFileSync(backing, Buffer.alloc(size, 0xa5));
  const { stdout } = await run('losetup', ['--find', '--show', backing]);
  return stdout.trim();
}

beforeEach(async () => {
  opened = [];
  folder = temporaryFolder('beside');
  const base = clusterRecord({ eachDisk: { capacityBytes: DISK } });
  record = {
    ...base,
    disks: base.disks.map((disk, index) => ({ ...disk, volumeMode: index === 0 ? 'Block' : 'Filesystem' })),
  };
  for (const name of ['disks/disk-1', 'scratch', 'tmp']) mkdirSync(folder.file(name), { recursive: true });
  before = Object.fromEntries(SETTINGS.map((name) => [name, process.env[name]]));
  process.env['LEDGERLIFT_BESIDE_DISKS'] = folder.file('disks');
  process.env['LEDGERLIFT_SCRATCH'] = folder.file('scratch');
  device = await attach(2 * DISK);
  await link(device);
});
afterEach(async () => {
  for (const writer of opened) await writer.release(0);
  for (const [name, value] of Object.entries(before))
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  await run('losetup', ['--detach', device]);
  await folder.remove();
});

/** As a container has it: a device of its own at the path of the claim. */
async function link(of: string): Promise<void> {
  const { stdout } = await run('stat', ['-c', '%Hr %Lr', of]);
  await run('mknod', ['-m', '600', folder.file('disks/disk-0'), 'b', ...stdout.trim().split(' ')]);
}

const guard = (generation: number, stillOurs: Guard['stillOurs'] = () => Promise.resolve()): Guard => ({
  generation,
  signal: AbortSignal.timeout(120_000),
  stillOurs,
});
function work(generation = 1, stillOurs?: Guard['stillOurs'], shown?: ShownLogs): Promise<Workplace> {
  const places = besideDisks();
  if (places === undefined) throw new Error('this process does not take itself for a worker pod');
  return workplaceBeside(record, guard(generation, stillOurs), { ...places, own: folder.file('tmp') }, shown);
}
const diskId = (index: number): string => record.disks[index]?.diskId ?? 'none';
async function open({ disks }: Workplace, index: number, size = DISK): Promise<DiskWriter> {
  const writer = await disks.openForWriting(diskId(index), size);
  opened.push(writer);
  return writer;
}
/** Paths of all that is below a folder. */
const below = (name: string): string[] =>
  readdirSync(folder.file(name), { recursive: true, encoding: 'utf8' }).toSorted();

/** A source that is zeros but for its second MiB. */
function sparse(): { readonly path: string; readonly content: Buffer } {
  const content = Buffer.alloc(DISK);
  content.fill(0x5a, MiB, 2 * MiB);
  const path = folder.file('source.raw');
  const file = openSync(path, 'w');
  writeSync(file, content, MiB, MiB, MiB);
  closeSync(file);
  return { path, content };
}

async function copyInto(place: Workplace, index: number): Promise<CopyResult> {
  const { path } = sparse();
  await run('truncate', ['-s', String(DISK), path]);
  const { server } = await serveForVerification({ path, format: 'raw' });
  const writer = await open(place, index);
  try {
    return await copyDisk({
      sources: [{ socket: server.socket }],
      target: writer.endpoint,
      // As the transfer worker decides it at a first attempt.
      targetState: writer.content === 'zeros' ? 'fresh' : 'dirty',
      momentId: 'm1',
      manifestPath: await place.disks.chunkManifest(diskId(index)),
      checkpointEvery: { bytes: DISK, ms: 60_000 },
      onCheckpoint: () => Promise.resolve(),
      throttle: new Throttle(),
      signal: AbortSignal.timeout(60_000),
    });
  } finally {
    await writer.release();
    await server.stop();
  }
}

describe('a worker beside the disks', () => {
  it('writes zeros over all that a block volume held, also beyond the disk’s end', async () => {
    const place = await work();
    const copied = await copyInto(place, 0);
    const after = readFileSync(device);
    expect(after.subarray(0, DISK).equals(sparse().content)).toBe(true);
    expect(after.subarray(DISK).equals(Buffer.alloc(DISK))).toBe(true);
    expect(copied.bytesZeroed).toBe(2 * DISK - MiB);
  });

  it('makes the file of a file system’s volume of the exact size, and leaves its zeros unwritten', async () => {
    const place = await work();
    const path = folder.file('disks/disk-1/disk.img');
    expect((await place.disks.files())[1]).toEqual({ path, format: 'raw' });
    await copyInto(place, 1);
    expect(statSync(path).size).toBe(DISK);
    expect(readFileSync(path).equals(sparse().content)).toBe(true);
    expect(statSync(path).blocks * 512).toBeLessThan(2 * MiB);
    expect(below('disks')).toEqual(['disk-0', 'disk-1', 'disk-1/disk.img']);
  });

  it('knows what a disk held before it is copied: anything on a device, zeros in a new file', async () => {
    const place = await work();
    expect(await open(place, 0)).toMatchObject({ content: 'anything', size: 'large-enough' });
    expect(await open(place, 1)).toMatchObject({ content: 'zeros', size: 'large-enough' });
  });

  it('lets a file grow with its source, and says of a device that it is too small', async () => {
    const place = await work();
    await (await open(place, 1)).release();
    expect((await open(await work(2), 1, 2 * DISK)).size).toBe('grown');
    expect(statSync(folder.file('disks/disk-1/disk.img')).size).toBe(2 * DISK);
    const error = await open(place, 0, 3 * DISK).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WrongDisk);
    expect(String(error)).toMatch(new RegExp(`${2 * DISK} bytes long.*at least ${3 * DISK} bytes`));
    expect(String(error)).toContain(folder.file('disks/disk-0'));
  });

  it('makes no file for an attempt that is over', async () => {
    const late = await work(1, () => Promise.reject(tooLate));
    await expect(open(late, 1)).rejects.toBe(tooLate);
    await expect(open(late, 0)).rejects.toBe(tooLate);
    expect(below('disks')).toEqual(['disk-0', 'disk-1']);
  });

  it('has nothing on the scratch claim outside the VM’s folder, and there no record of who writes', async () => {
    const place = await work();
    await copyInto(place, 0);
    await open(place, 1);
    await place.conversion('migration').make();
    const log = place.log('conversion');
    writeFileSync(await log.path(), 'converted');
    const [namespace = '', name = ''] = record.folder.split('/');
    const made = below('scratch');
    expect(
      made.filter((path) => path !== namespace && !`${path}/`.startsWith(`${namespace}/${name}/`)),
    ).toEqual([]);
    expect(made).toContain(log.name);
    expect(made.filter((path) => path.endsWith('.writer.json'))).toEqual([]);
    // It is of this container, and goes with it.
    expect(below('tmp').filter((path) => path.endsWith('.writer.json'))).toHaveLength(1);
  });

  it('prints the logs that it was asked for, by the names that they are claimed with', async () => {
    const printed: string[] = [];
    const place = await work(1, undefined, new ShownLogs((line) => printed.push(line)));
    const { log } = place.conversion('migration');
    writeFileSync(await log.path(), 'converted\n');
    writeFileSync(await place.log('bootProof').path(), 'booted');
    await place[Symbol.asyncDispose]();
    const reader = new ShownLogsReader(MiB);
    reader.push(Buffer.from(printed.map((line) => `${line}\n`).join('')));
    const claims = kubevirtTarget.claimsFor({ ...record, settings: { ...record.settings, bootProof: true } });
    const [[converted], [proved]] = [claims.ImageConversion, claims.BootProof];
    expect(log.name).toBe(converted?.name);
    expect(reader.tails()).toEqual(
      new Map([
        [converted?.name, { text: 'converted\n', sizeBytes: 10 }],
        [proved?.name, { text: 'booted\n', sizeBytes: 7 }],
      ]),
    );
  });

  it('ends the writer of an earlier attempt before it opens a disk', async () => {
    const first = await open(await work(1), 0);
    await expect(
      run('qemu-img', ['info', '-f', 'raw', `nbd+unix:///?socket=${socketOf(first)}`]),
    ).resolves.toBeDefined();
    const second = await open(await work(2), 0);
    await expect(
      run('qemu-img', ['info', '-f', 'raw', `nbd+unix:///?socket=${socketOf(first)}`]),
    ).rejects.toThrow();
    expect(socketOf(second)).not.toBe(socketOf(first));
  });

  it('converts over the volumes, commits into them, and claims as what goes with the scratch claim', async () => {
    const place = await work();
    for (const index of [0, 1]) await (await open(place, index)).release();
    const conversion = place.conversion('migration');
    await conversion.assertFree();
    await conversion.make();
    await conversion.check();
    const overlays = await conversion.overlays();
    expect(await Promise.all(overlays.map((overlay) => conversion.baseOf(overlay)))).toEqual([
      folder.file('disks/disk-0'),
      folder.file('disks/disk-1/disk.img'),
    ]);
    for (const { path } of overlays)
      await run('qemu-io', ['-f', 'qcow2', '-c', `write -P 0x11 ${MiB} ${MiB}`, path]);
    for (const overlay of overlays) {
      const { argv, flush } = await conversion.commit(overlay);
      const [command = '', ...rest] = argv;
      await run(command, rest);
      await flush();
    }
    for (const path of [device, folder.file('disks/disk-1/disk.img')])
      expect(
        readFileSync(path)
          .subarray(MiB, 2 * MiB)
          .equals(Buffer.alloc(MiB, 0x11)),
      ).toBe(true);
    const claimed = [
      ...conversion.claims,
      (await conversion.holder()).resource,
      (await place.disks.unpacked(diskId(0))).resource,
    ];
    expect(new Set(claimed.map(({ service }) => service))).toEqual(new Set(['vm-creator']));
  });

  it('does nothing at the API server', async () => {
    const { release, sweep, vm } = await kubevirtTarget.workplace(record, guard(1));
    const refused = [
      release({ kind: 'scratch', name: 'x', service: 'vm-creator', lifetime: 'resume' }),
      sweep([]),
      vm.isCreated(),
    ];
    for (const each of refused) await expect(each).rejects.toBeInstanceOf(NotInsideTheCluster);
  });
});

const socketOf = ({ endpoint }: DiskWriter): string => ('socket' in endpoint ? endpoint.socket : '');
