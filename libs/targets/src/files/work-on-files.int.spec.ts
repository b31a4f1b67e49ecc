import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { VmRecord } from '@ledgerlift/contracts';
import { temporaryFolder, type TemporaryFolder, vmRecord } from '@ledgerlift/testing';
import type { DiskWriter, Guard } from '../workplace.js';
import { layoutOf } from './layout.js';
import { type WorkOnFiles, filesBelow, workOnFiles } from './vm-files.js';

const MiB = 2 ** 20;
const over = new Error('the attempt is over');
let folder: TemporaryFolder;
let record: VmRecord;
let earlier: DiskWriter | undefined;

/** The work of an attempt that is over from the moment at which something is seen. */
function work(generation: number, isOver: () => boolean = () => false): WorkOnFiles {
  const guard: Guard = {
    generation,
    signal: new AbortController().signal,
    stillOurs: () => (isOver() ? Promise.reject(over) : Promise.resolve()),
  };
  return workOnFiles(filesBelow(folder.path, record), guard);
}
/** Opens the first disk; what it opened is released with the case, also where it should not have. */
const opened = async ({ disks }: WorkOnFiles, size: number): Promise<DiskWriter> =>
  (earlier = await disks.openForWriting(diskId(0), size));
const diskId = (index: number): string => record.disks[index]?.diskId ?? 'none';
const at = (name = 'none'): string => folder.file(name);
const disk = (index: number): string => at(layoutOf(record).disks[index]?.disk);
const writerRecord = (): string => at(layoutOf(record).disks[0]?.writer);
const overlays = (): string[] => layoutOf(record).disks.map(({ overlay }) => at(overlay));

/** Every file, and what it holds. */
const everything = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder.path, { recursive: true, encoding: 'utf8' })
      .filter((name) => statSync(at(name)).isFile())
      .map((name) => [name, readFileSync(at(name), 'latin1')]),
  );

beforeEach(async () => {
  folder = temporaryFolder('work-on-files');
  record = vmRecord({ root: folder.path, disks: 2 });
  mkdirSync(dirname(disk(0)), { recursive: true });
  const { disks } = work(1);
  for (const index of [0, 1]) await disks.allocate(diskId(index), MiB);
});
afterEach(async () => {
  await earlier?.release(0);
  earlier = undefined;
  await folder.remove();
});

describe('work of an attempt that is over changes nothing', () => {
  const effects: Readonly<Record<string, (late: WorkOnFiles) => Promise<unknown>>> = {
    'no disk is allocated': ({ disks }) => {
      rmSync(disk(1));
      return disks.allocate(diskId(1), MiB);
    },
    'no commit is marked': ({ conversion }) => conversion('migration').markCommitted(1),
    'no mark of a commit is taken away': ({ conversion }) => conversion('migration').forgetCommit(),
    'no overlay of before is removed': ({ conversion }) => conversion('migration').make(),
    'nothing is flushed': ({ conversion }) => conversion('migration').flush(),
    'no earlier writer is ended': (late) => opened(late, MiB),
  };

  it.each(Object.keys(effects))('%s', async (name) => {
    await opened(work(1), MiB);
    await work(1).conversion('migration').markCommitted(3);
    for (const path of overlays()) writeFileSync(path, 'of before');
    const late = effects[name]?.(work(2, () => true));
    const before = everything();
    await expect(late).rejects.toBe(over);
    expect(everything()).toEqual(before);
  });

  it('no disk grows once the earlier writer is ended', async () => {
    await opened(work(1), MiB);
    const late = work(2, () => !existsSync(writerRecord()));
    await expect(opened(late, 2 * MiB)).rejects.toBe(over);
    expect(statSync(disk(0)).size).toBe(MiB);
  });

  it('no disk is opened once it has grown', async () => {
    const late = work(2, () => statSync(disk(0)).size > MiB);
    await expect(opened(late, 2 * MiB)).rejects.toBe(over);
    expect(existsSync(writerRecord())).toBe(false);
  });

  it('no overlay is made once those of before are gone', async () => {
    for (const path of overlays()) writeFileSync(path, 'of before');
    const areThere = (): boolean => overlays().some((path) => existsSync(path));
    let wereGone = false;
    const late = work(2, () => (wereGone ||= !areThere()));
    await expect(late.conversion('migration').make()).rejects.toBe(over);
    expect(areThere()).toBe(false);
  });
});

describe('a disk whose writer ran in another container', () => {
  /** As a restarted container finds it: of the running kernel, but among processes that it cannot see. */
  const ofAnotherContainer = (): void => {
    const record = JSON.parse(readFileSync(writerRecord(), 'utf8'));
    writeFileSync(writerRecord(), JSON.stringify({ ...record, host: 'another', pidNamespace: 'pid:[1]' }));
  };

  it('is not written while its locks show that somebody writes it', async () => {
    await opened(work(1), MiB);
    ofAnotherContainer();
    await expect(work(2).disks.openForWriting(diskId(0), MiB)).rejects.toMatchObject({
      code: 'LL-CONV-004',
      path: disk(0),
    });
    await expect(work(2).disks.endWriters()).rejects.toMatchObject({ code: 'LL-CONV-004' });
  });

  it('is taken over once its locks are free', async () => {
    const first = await opened(work(1), MiB);
    ofAnotherContainer();
    const left = readFileSync(writerRecord());
    await first.release();
    writeFileSync(writerRecord(), left);
    await opened(work(2), MiB);
    expect(JSON.parse(readFileSync(writerRecord(), 'utf8'))).toMatchObject({ host: hostname(), attempt: 2 });
  });

  it('can be cleaned up once its locks are free', async () => {
    const first = await opened(work(1), MiB);
    ofAnotherContainer();
    const left = readFileSync(writerRecord());
    await first.release();
    earlier = undefined;
    writeFileSync(writerRecord(), left);
    await work(2).disks.endWriters();
    expect(existsSync(writerRecord())).toBe(false);
  });
});

describe('a conversion beside the disks', () => {
  it('makes empty overlays over the disks in the place of whatever was there', async () => {
    writeFileSync(overlays()[0] ?? '', 'torn');
    const conversion = work(1).conversion('migration');
    await conversion.make();
    await conversion.check();
    const made = await conversion.overlays();
    expect(made.map(({ path }) => path)).toEqual(overlays());
    expect(await Promise.all(made.map((overlay) => conversion.baseOf(overlay)))).toEqual([disk(0), disk(1)]);
  });

  it('tells an overlay that is damaged', async () => {
    const conversion = work(1).conversion('migration');
    await conversion.make();
    writeFileSync(overlays()[1] ?? '', 'torn');
    await expect(conversion.check()).rejects.toMatchObject({ code: 'LL-CONV-030', path: overlays()[1] });
  });

  it('does not begin over a disk that somebody writes', async () => {
    earlier = await work(1).disks.openForWriting(diskId(1), MiB);
    const conversion = work(2).conversion('migration');
    await expect(conversion.assertFree()).rejects.toMatchObject({ code: 'LL-CONV-004', path: disk(1) });
    await earlier.release();
    earlier = undefined;
    await conversion.assertFree();
  });

  it('is committed by a command that sees an overlay and its base, and has no network', async () => {
    const conversion = work(1).conversion('migration');
    const [overlay] = await conversion.overlays();
    if (overlay === undefined) throw new Error('there is no overlay');
    const { argv } = await conversion.commit(overlay);
    const bound = argv.flatMap((word, index) => (word === '--bind-try' ? [argv[index + 1]] : []));
    expect(argv).toEqual(expect.arrayContaining(['bwrap', '--unshare-net', 'qemu-img']));
    expect(bound).toEqual([overlay.path, overlay.base]);
  });
});
