import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TemporaryFolder, buildOva, makeSmallDisk, temporaryFolder } from '@ledgerlift/testing';
import { PackageReader, type ReadingBudget } from './package-reader.js';

const MiB = 1024 * 1024;
const roomy: ReadingBudget = { busyMs: 600_000, heapMiB: 512, outputBytes: 32 * MiB };
let folder: TemporaryFolder;
let good: string;

beforeAll(async () => {
  folder = temporaryFolder('reader');
  await makeSmallDisk(folder.file('raw'), { size: 2 * MiB });
  const vms = [{ name: 'web', disks: [{ raw: folder.file('raw') }] }];
  good = (await buildOva({ name: 'good', folder: folder.path, vms })).path;
});
afterAll(() => folder.remove());

describe('reading a package', () => {
  it('leaves the event loop of the caller to others', async () => {
    await using reader = new PackageReader(roomy);
    const path = folder.file('large.ovf');
    // 3 MB of elements: enough to hold an event loop up for a while.
    await writeFile(path, `<Envelope>${'<a b="c"/>'.repeat(190_000)}</Envelope>`);
    const order: string[] = [];
    const turns = setInterval(() => order.push('turn'), 1);
    const { problems } = await reader.read(path);
    order.push('read');
    clearInterval(turns);
    expect(problems).toMatchObject([{ code: 'LL-OVA-005' }]);
    expect(order[0]).toBe('turn');
  });

  it.each([
    ['time', { ...roomy, busyMs: 0 }],
    ['memory', { ...roomy, heapMiB: 8 }],
    ['output', { ...roomy, outputBytes: 10 }],
  ])('over its budget of %s is one problem', async (_what, budget) => {
    await using reader = new PackageReader(budget);
    const path = folder.file('costly.ovf');
    const element = '<a><b><c d="e"/></b></a>';
    await writeFile(path, `<Envelope>${element.repeat(60_000)}</Envelope>`);
    expect(await reader.read(path)).toMatchObject({
      vms: [],
      problems: [{ item: path, code: 'LL-OVA-019' }],
    });
  });

  it('finds what its manifest has digests of within the same budget', async () => {
    await using reader = new PackageReader(roomy);
    const { files, problems } = await reader.digests(good);
    expect(problems).toEqual([]);
    expect(files.map(({ name }) => name)).toEqual([expect.stringMatching(/\.vmdk$/)]);
    await using poor = new PackageReader({ ...roomy, busyMs: 0 });
    expect(await poor.digests(good)).toMatchObject({ files: [], problems: [{ code: 'LL-OVA-019' }] });
  });

  it('reads one package after the other in the same thread', async () => {
    await using reader = new PackageReader(roomy);
    const [first, second] = await Promise.all([reader.read(good), reader.read(good)]);
    expect(first.vms).toHaveLength(1);
    expect(second).toEqual(first);
  });

  it('goes on with the next package in a new thread', async () => {
    let busyMs = 0;
    await using reader = new PackageReader({
      ...roomy,
      get busyMs() {
        return busyMs;
      },
    });
    expect((await reader.read(good)).problems).toMatchObject([{ code: 'LL-OVA-019' }]);
    busyMs = roomy.busyMs;
    expect(await reader.read(good)).toMatchObject({ vms: [{ name: 'web' }], problems: [] });
  });
});
