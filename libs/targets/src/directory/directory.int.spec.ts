import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Resource } from '@ledgerlift/contracts';
import { type RecordOptions, type TemporaryFolder, temporaryFolder, vmRecord } from '@ledgerlift/testing';
import { FolderNotEmpty, NotOurs, UnsafePath, WrongDisk } from '../errors.js';
import { claimsFor } from '../files/claims.js';
import { ensureDisk, freeBytes, growDisk, imageInfo } from '../files/disks.js';
import { writeFileAtomic } from '../files/paths.js';
import { inReleaseOrder } from '../workplace.js';
import { openSubfolderOf, openVmFolder, resolveOwned } from './folder.js';
import { stagingName } from './marker.js';
import { release, sweepDrafts } from './release.js';

let temporary: TemporaryFolder;
let base: string;
let root: string;
const record = (options: RecordOptions = {}) => vmRecord({ root, ...options });
const folder: Resource = { kind: 'folder', name: 'default/web', service: 'transfer', lifetime: 'result' };
const disk: Resource = {
  kind: 'disk',
  name: 'default/web/web-disk-0.raw',
  service: 'transfer',
  lifetime: 'result',
};

beforeEach(() => {
  temporary = temporaryFolder('target');
  base = temporary.path;
  root = join(base, 'out');
});
afterEach(() => temporary.remove());

describe("a VM's folder", () => {
  it('is made with the root and the namespace, and found again by the same VM', async () => {
    const made = await openVmFolder(record());
    expect(made).toEqual({ path: join(root, 'default/web'), how: 'created' });
    expect(JSON.parse(readFileSync(join(made.path, '.ledgerlift.json'), 'utf8'))).toEqual({
      installation: 'lab',
      migration: 'm1',
      vm: 0,
    });
    expect(await openVmFolder(record())).toEqual({ ...made, how: 'found' });
  });

  it.each([
    ['of another migration', { migrationId: 'm2' }],
    ['of another VM of the plan', { index: 1 }],
    ['of another installation', { installation: 'other' }],
  ])('%s is refused and left untouched', async (_, other) => {
    await openVmFolder(record({ record: other }));
    const before = readdirSync(join(root, 'default/web'));
    await expect(openVmFolder(record())).rejects.toThrow(NotOurs);
    expect(readdirSync(join(root, 'default/web'))).toEqual(before);
    expect(readdirSync(join(root, 'default'))).toEqual(['.ledgerlift-namespace.json', 'web']);
  });

  it.each(['an empty folder', 'a folder with files', 'a folder with a torn marker', 'a file'])(
    '%s of the user under its name is refused and left untouched',
    async (what) => {
      const path = join(root, 'default/web');
      mkdirSync(join(root, 'default'), { recursive: true });
      if (what === 'a file') writeFileSync(path, 'mine');
      else mkdirSync(path);
      if (what === 'a folder with files') writeFileSync(join(path, 'thesis.txt'), 'mine');
      if (what === 'a folder with a torn marker') writeFileSync(join(path, '.ledgerlift.json'), '{"inst');
      await expect(openVmFolder(record())).rejects.toMatchObject({ code: 'LL-TGT-002', path });
      expect(await release(record(), disk)).toBe('absent');
      expect(await release(record(), folder)).toBe('absent');
      expect(existsSync(path)).toBe(true);
      expect(readdirSync(join(root, 'default'))).toEqual(['web']);
    },
  );

  it('is made once when many ask at a time', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => openVmFolder(record())));
    expect(new Set(made.map(({ path }) => path)).size).toBe(1);
    expect(readdirSync(join(root, 'default'))).toEqual(['.ledgerlift-namespace.json', 'web']);
  });

  it('is not reached over a symbolic link', async () => {
    mkdirSync(join(base, 'elsewhere/web'), { recursive: true });
    mkdirSync(root);
    symlinkSync(join(base, 'elsewhere'), join(root, 'default'));
    await expect(openVmFolder(record())).rejects.toThrow(UnsafePath);
    expect(readdirSync(join(base, 'elsewhere/web'))).toEqual([]);
  });

  it.each(['../web', 'default/../../web', '/etc/web', 'default//web', 'default/./web', 'web'])(
    'named %s is refused',
    async (name) => {
      await expect(openVmFolder(record({ record: { folder: name } }))).rejects.toThrow(UnsafePath);
    },
  );

  it('keeps names of other VMs out of reach', async () => {
    await expect(resolveOwned(record(), 'default/webserver/disk')).rejects.toThrow(UnsafePath);
    await expect(release(record(), { ...disk, name: 'default/other/disk.raw' })).rejects.toThrow(UnsafePath);
  });
});

describe('a disk', () => {
  const file = (format: 'raw' | 'qcow2', size = 1_000_000) => ({
    path: join(base, `d.${format}`),
    format,
    size,
  });

  it.each(['raw', 'qcow2'] as const)('(%s) is made sparse, once, in whole sectors', async (format) => {
    expect(await ensureDisk(file(format))).toBe('created');
    expect(await ensureDisk(file(format))).toBe('found');
    expect((await imageInfo(file(format))).size).toBe(1_000_448);
    expect(statSync(file(format).path).blocks * 512).toBeLessThan(1_000_000);
    expect(readdirSync(base)).toEqual([`d.${format}`]);
  });

  it.each(['raw', 'qcow2'] as const)('(%s) of another size is refused', async (format) => {
    await ensureDisk(file(format));
    await expect(ensureDisk(file(format, 2_000_000))).rejects.toThrow(WrongDisk);
  });

  it('that is raw where qcow2 is expected is refused', async () => {
    writeFileSync(file('qcow2').path, '');
    truncateSync(file('qcow2').path, 1_000_448);
    await expect(ensureDisk(file('qcow2'))).rejects.toThrow(WrongDisk);
  });

  it.each(['raw', 'qcow2'] as const)(
    'that is %s grows with its source, and never shrinks',
    async (format) => {
      await ensureDisk(file(format));
      expect(await growDisk({ ...file(format), size: 3_000_000 })).toBe('grown');
      expect(await growDisk({ ...file(format), size: 2_000_000 })).toBe('large-enough');
      const size = format === 'raw' ? statSync(file(format).path).size : (await imageInfo(file(format))).size;
      expect(size).toBe(3_000_320);
    },
  );

  it('half made by a killed process is made anew', async () => {
    writeFileSync(`${file('qcow2').path}.unfinished`, 'half');
    expect(await ensureDisk(file('qcow2'))).toBe('created');
    expect(readdirSync(base)).toEqual(['d.qcow2']);
  });

  it('is not written through a symbolic link', async () => {
    symlinkSync(join(base, 'nowhere'), file('raw').path);
    await expect(ensureDisk(file('raw'))).rejects.toThrow(NotOurs);
  });
});

it('a file that cannot be written leaves no draft', async () => {
  const path = join(base, 'vm.yaml');
  mkdirSync(path);
  await expect(writeFileAtomic(path, 'kind: VirtualMachine')).rejects.toThrow('it cannot be written');
  expect(readdirSync(base)).toEqual(['vm.yaml']);
});

it('free bytes are known before the folder exists', async () => {
  // Nothing fits into /proc, and nobody else's files change that.
  expect(await freeBytes('/proc/not-there/a/b')).toBe(0);
  expect(await freeBytes(join(base, 'a/b/c'))).toBeGreaterThan(0);
});

describe('release', () => {
  const everything = (): Resource[] =>
    Object.values(
      claimsFor(
        record({
          disks: 2,
          eachDisk: {
            backing: {
              kind: 'ova',
              format: 'vmdk',
              parts: [{ file: 'web.ova', offset: 0, length: 1 }],
              compression: 'gzip',
            },
          },
          settings: { bootProof: true },
        }),
      ),
    ).flat();

  async function makeAll(): Promise<Resource[]> {
    await openVmFolder(record());
    for (const { kind, name } of everything()) {
      if (kind !== 'folder') writeFileSync(await openSubfolderOf(record(), name), 'x');
    }
    return everything();
  }

  it('of all that was claimed leaves nothing, twice', async () => {
    for (const resource of inReleaseOrder(await makeAll()))
      expect([resource.name, await release(record(), resource)]).toEqual([resource.name, 'removed']);
    expect(readdirSync(root)).toEqual([]);
    for (const resource of everything()) expect(await release(record(), resource)).toBe('absent');
  });

  it('leaves the namespace to the VM that is still in it', async () => {
    await openVmFolder(record());
    const other = { record: { index: 1, targetName: 'db', folder: 'default/db' } };
    await openVmFolder(record(other));
    expect(await release(record(), folder)).toBe('removed');
    expect(readdirSync(join(root, 'default'))).toEqual(['.ledgerlift-namespace.json', 'db']);
    expect(await release(record(other), { ...folder, name: 'default/db' })).toBe('removed');
    expect(readdirSync(root)).toEqual([]);
  });

  it('leaves a namespace folder that the user made', async () => {
    mkdirSync(join(root, 'default'), { recursive: true });
    await openVmFolder(record());
    expect(await release(record(), folder)).toBe('removed');
    expect(readdirSync(root)).toEqual(['default']);
  });

  it('of a folder that holds what is not ours leaves the folder whole', async () => {
    await openVmFolder(record());
    writeFileSync(join(root, 'default/web/notes.txt'), 'mine');
    await expect(release(record(), folder)).rejects.toThrow(FolderNotEmpty);
    expect(readdirSync(join(root, 'default/web'))).toEqual(['.ledgerlift.json', 'notes.txt']);
  });

  it('takes the draft of a file with it', async () => {
    await openVmFolder(record());
    writeFileSync(join(root, `${disk.name}.unfinished`), 'half');
    expect(await release(record(), disk)).toBe('absent');
    expect(readdirSync(join(root, 'default/web'))).toEqual(['.ledgerlift.json']);
  });

  it('leaves no draft of a manifest that is kept', async () => {
    await makeAll();
    const kept = everything().filter(({ kind }) => kind === 'manifest');
    for (const { name } of kept) writeFileSync(join(root, `${name}.unfinished`), 'half');
    await sweepDrafts(record(), kept);
    for (const { name } of kept) {
      expect(existsSync(join(root, name))).toBe(true);
      expect(existsSync(join(root, `${name}.unfinished`))).toBe(false);
    }
  });

  it('continues where a killed process stopped', async () => {
    const { path } = await openVmFolder(record());
    execFileSync('bash', ['-c', 'cd "$0/.." && mv web "$(basename "$1")"', path, staging()]);
    expect(await release(record(), folder)).toBe('absent');
    expect(readdirSync(root)).toEqual([]);
  });

  /** The name that the folder has while it is being made or taken away: seen by stopping in between. */
  function staging(): string {
    const probe = join(base, 'probe');
    return join(probe, stagingName(record()));
  }
});
