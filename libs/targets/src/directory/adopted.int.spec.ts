import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { AdoptedDisks } from '@ledgerlift/contracts';
import { type TemporaryFolder, temporaryFolder, vmRecord } from '@ledgerlift/testing';
import { NotOurs, UnsafePath } from '../errors.js';
import { layoutOf } from '../files/layout.js';
import type { DiskUser } from '../plan.js';
import { type AdoptedRequest, findAdoptedDisks } from './adopted.js';
import { diskPathsOf, openVmFolder } from './folder.js';
import { release } from './release.js';

const MiB = 2 ** 20;
let temporary: TemporaryFolder;
let base: string;
let root: string;
beforeEach(() => {
  temporary = temporaryFolder('adopted');
  base = temporary.path;
  root = join(base, 'out');
  mkdirSync(root);
});
afterEach(() => temporary.remove());

function file(name: string, size = MiB): void {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), Buffer.alloc(size));
}
function labels(name: string, content: unknown): void {
  writeFileSync(
    join(root, `${name}.labels.json`),
    typeof content === 'string' ? content : JSON.stringify(content),
  );
}
const qemuImg = (...args: string[]): unknown =>
  execFileSync('qemu-img', args, { cwd: root, stdio: 'ignore' });

/** A VM whose disks have 1 MiB, 2 MiB, … */
function asked(where?: AdoptedDisks, disks = 1, id = 'vm-1'): AdoptedRequest {
  const { vm } = vmRecord({ disks }).source;
  const sized = vm.disks.map((disk, index) => ({ ...disk, capacityBytes: MiB * (index + 1) }));
  return { vm: { id, name: id, disks: sized }, where };
}
async function problems(request: AdoptedRequest, usedBy?: ReadonlyMap<string, DiskUser>): Promise<string[]> {
  const found = await findAdoptedDisks(root, [request], usedBy);
  return found.get(request.vm.id)?.problems.map(({ reason, message }) => `${reason}: ${message}`) ?? [];
}

describe('disks that another tool brought', () => {
  it('are found by name, in the form that each has', async () => {
    file('in/a.img');
    qemuImg('create', '-f', 'qcow2', 'in/b.img', '2M');
    const found = await findAdoptedDisks(root, [asked({ files: ['in/a.img', 'in/b.img'] }, 2)]);
    expect(found.get('vm-1')).toEqual({
      problems: [],
      disks: [
        { diskId: 'disk-0', name: 'in/a.img', format: 'raw' },
        { diskId: 'disk-1', name: 'in/b.img', format: 'qcow2' },
      ],
    });
  });

  it('are found by the label of their VM, or by labels that the plan names', async () => {
    file('deep/down/a.img');
    labels('deep/down/a.img', { vmID: 'vm-1', tier: 'gold' });
    const expected = { problems: [], disks: [{ diskId: 'disk-0', name: 'deep/down/a.img', format: 'raw' }] };
    expect((await findAdoptedDisks(root, [asked()])).get('vm-1')).toEqual(expected);
    const byTier = asked({ labels: { tier: 'gold' } });
    expect((await findAdoptedDisks(root, [byTier])).get('vm-1')).toEqual(expected);
  });

  it('of a VM with several are told apart by a label', async () => {
    file('one.img', 2 * MiB);
    file('two.img');
    labels('one.img', { vmID: 'vm-1', diskID: 'disk-1' });
    labels('two.img', { vmID: 'vm-1', diskID: 'disk-0' });
    const names = (await findAdoptedDisks(root, [asked(undefined, 2)]))
      .get('vm-1')
      ?.disks.map(({ name }) => name);
    expect(names).toEqual(['two.img', 'one.img']);
    labels('one.img', { vmID: 'vm-1' });
    expect(await problems(asked(undefined, 2))).toEqual([
      expect.stringMatching(/^Ambiguous: .*`diskID`.*"disk-1"/),
    ]);
    labels('one.img', { vmID: 'vm-1', diskID: 'disk-0' });
    expect(await problems(asked(undefined, 2))).toEqual([
      expect.stringMatching(/^Ambiguous: several files match the disk "disk-0": one.img, two.img are/),
      expect.stringMatching(/^Ambiguous/),
    ]);
  });

  it('that are not there are told, with labels that cannot be read', async () => {
    file('a.img');
    labels('a.img', '{"vmID":');
    expect(await problems(asked())).toEqual([
      expect.stringMatching(/^NotFound: .*vmID=vm-1.*a\.img\.labels\.json/),
    ]);
    expect(await problems(asked({ files: ['b.img'] }))).toEqual([
      expect.stringMatching(/^NotFound: "b.img"/),
    ]);
    expect(await problems(asked({ files: ['a.img'] }, 2))).toEqual([expect.stringMatching(/^NotFound/)]);
    expect(await problems(asked({ files: ['a.img', 'b.img'] }))).toEqual([
      expect.stringMatching(/^Ambiguous/),
    ]);
  });

  it.each<[string, RegExp, () => void]>([
    ['of another size', /^OtherSize: .*1048577 bytes/, () => file('a.img', MiB + 1)],
    ['that is a folder', /^NotUsable: .*folder/, () => mkdirSync(join(root, 'a.img'))],
    [
      'that is a link',
      /^NotUsable: .*symbolic link/,
      () => {
        writeFileSync(join(base, 'secret'), Buffer.alloc(MiB));
        symlinkSync(join(base, 'secret'), join(root, 'a.img'));
      },
    ],
    [
      'over another file',
      /^NotUsable: .*flatten/,
      () => {
        file('base.img');
        qemuImg('create', '-f', 'qcow2', '-b', 'base.img', '-F', 'raw', 'a.img');
      },
    ],
    [
      'whose data lies in another file',
      /^NotUsable: .*another file/,
      () => qemuImg('create', '-f', 'qcow2', '-o', 'data_file=data.img', 'a.img', '1M'),
    ],
  ])('%s is refused', async (_, expected, make) => {
    make();
    expect(await problems(asked({ files: ['a.img'] }))).toEqual([expect.stringMatching(expected)]);
  });

  it.each(['../secret', '/etc/passwd', 'in//a.img'])('outside the root (%s) is refused', async (name) => {
    expect(await problems(asked({ files: [name] }))).toEqual([expect.stringMatching(/^NotUsable/)]);
  });

  it('that somebody else uses is refused', async () => {
    file('a.img');
    const request = asked({ files: ['a.img'] });
    const user = { what: 'm9 has it', givesUp: undefined };
    expect(await problems(request, new Map([['a.img', user]]))).toEqual(['InUse: "a.img": m9 has it']);
    linkSync(join(root, 'a.img'), join(root, 'b.img'));
    const both = [request, asked({ files: ['b.img'] }, 1, 'vm-2')];
    expect((await findAdoptedDisks(root, both)).get('vm-2')?.problems).toMatchObject([{ reason: 'InUse' }]);
    await openVmFolder(vmRecord({ root }));
    file('default/web/c.img');
    labels('default/web/c.img', { vmID: 'vm-1' });
    expect(await problems(asked({ files: ['default/web/c.img'] }))).toEqual([
      expect.stringMatching(/^InUse/),
    ]);
    expect(await problems(asked())).toEqual([expect.stringMatching(/^NotFound/)]);
  });
});

describe('the disks of a migration that succeeded', () => {
  const user = (givesUp: string | undefined) => new Map([['a.img', { what: 'm9 has it', givesUp }]]);

  it('are given to a plan that says that it takes them from there', async () => {
    file('a.img');
    const files = ['a.img'];
    expect(await problems(asked({ files }), user('m9'))).toEqual([
      expect.stringMatching(/^InUse: .*set `takenFrom: m9`/),
    ]);
    expect(await problems(asked({ files, takenFrom: 'm8' }), user('m9'))).toHaveLength(1);
    expect(await problems(asked({ files, takenFrom: 'm9' }), user('m9'))).toEqual([]);
    labels('a.img', { vmID: 'vm-1' });
    const labelled = asked({ labels: { vmID: 'vm-1' }, takenFrom: 'm9' });
    expect(await problems(labelled, user('m9'))).toEqual([]);
  });

  it('are not given where that migration does not give them up', async () => {
    file('a.img');
    const request = asked({ files: ['a.img'], takenFrom: 'm9' });
    expect(await problems(request, user(undefined))).toEqual(['InUse: "a.img": m9 has it']);
  });
});

describe('the record of an adopted disk', () => {
  const adopting = (name: string) => {
    const record = vmRecord({ root });
    return { ...record, disks: record.disks.map((disk) => ({ ...disk, name, adopted: true as const })) };
  };

  it('leads to the file, and all that belongs to it lies in the folder of the VM', async () => {
    const record = adopting('in/a.img');
    expect(await diskPathsOf(record)).toEqual([join(root, 'in/a.img')]);
    const { disk, overlay } = layoutOf(record).disks[0] ?? {};
    expect([disk, overlay]).toEqual(['in/a.img', 'default/web/web-disk-0.raw.overlay.qcow2']);
  });

  it('leads nowhere else, and a record that does not say so does not', async () => {
    for (const name of ['../a.img', 'default/web/a.img'])
      await expect(diskPathsOf(adopting(name))).rejects.toThrow(UnsafePath);
    const record = vmRecord({ root });
    const foreign = { ...record, disks: record.disks.map((disk) => ({ ...disk, name: 'in/a.img' })) };
    await expect(diskPathsOf(foreign)).rejects.toThrow(UnsafePath);
  });

  it('keeps it from ever being released', async () => {
    file('in/a.img');
    const record = adopting('in/a.img');
    await openVmFolder(record);
    const resource = { kind: 'disk', name: 'in/a.img', service: 'transfer', lifetime: 'result' } as const;
    await expect(release(record, resource)).rejects.toThrow(NotOurs);
    expect(await diskPathsOf(record)).toHaveLength(1);
  });
});
