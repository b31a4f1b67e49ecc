import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildOva, makeSmallDisk, writeTar } from '@ledgerlift/testing';
import { Installation } from './installation/installation.js';
import { filesBelow } from './installation/judge.js';

const MiB = 1024 * 1024;
const SECRET = 'the host keeps this for itself';
/** A planner that reads no packages has about 200 MiB; the thread that reads them may have 512 of heap. */
const MOST_MEMORY = 1024 * MiB;

let at: Installation;
/** An honest package, from which the hostile ones are made. */
let ovf: string;
let vmdk: Buffer;

const folderOf = (name: string): string => {
  mkdirSync(at.folder.file(name), { recursive: true });
  return at.folder.file(name);
};
const pack = (folder: string, name: string, descriptor: string, disk: Buffer): Promise<void> =>
  writeTar(join(folder, `${name}.ova`), [
    { name: 'vm.ovf', bytes: Buffer.from(descriptor.replaceAll('honest', name)) },
    { name: `${name}-disk1.vmdk`, bytes: disk },
  ]);
const source = async (name: string, path: string): Promise<void> => {
  await at.call('providers.create', { body: { name, type: 'ova', settings: { path } } });
};

beforeAll(async () => {
  at = await Installation.start();
  await makeSmallDisk(at.folder.file('one.raw'), { size: 2 * MiB, seed: 1 });
  const { path } = await buildOva({
    name: 'honest',
    folder: folderOf('parts'),
    packing: 'folder',
    digest: 'none',
    vms: [{ name: 'honest', disks: [{ raw: at.folder.file('one.raw') }], nics: [{ network: 'VM Network' }] }],
  });
  ovf = readFileSync(path, 'utf8');
  vmdk = readFileSync(join(dirname(path), 'honest-disk1.vmdk'));
});
afterAll(() => at[Symbol.asyncDispose](), 60_000);

describe('packages that are made to cost time and memory', () => {
  it('do not keep the planner from answering, nor hide their neighbour', async () => {
    const folder = folderOf('bombs');
    const inside = (xml: string): string => ovf.replace('<References>', `${xml}<References>`);
    const affinity = Array.from({ length: 3000 }, () => '0-4000').join(',');
    const config = `<vmw:ExtraConfig vmw:key="sched.cpu.affinity" vmw:value="${affinity}"/>`;
    await pack(folder, 'a-affinity', ovf.replace('</VirtualHardwareSection>', `${config}$&`), vmdk);
    await pack(folder, 'b-references', inside(`<Info>${'&#65;'.repeat(3_000_000)}</Info>`), vmdk);
    // It takes the parser seconds, all in one turn of its event loop, to find that it has too many.
    const attributes = Array.from({ length: 300_000 }, (_, index) => `a${index}="1"`).join(' ');
    await pack(folder, 'c-attributes', inside(`<Info ${attributes}/>`), vmdk);
    // The honest disk, and then as many members of gzip as make 3 GB of zeros.
    const members = Buffer.concat([gzipSync(vmdk), ...Array.from({ length: 48 }, () => zeros)]);
    await pack(folder, 'd-gzip', ovf.replace('ovf:href="honest-disk1', 'ovf:compression="gzip" $&'), members);
    writeFileSync(join(folder, 'e-names.ova'), longNames(20_000));
    await pack(folder, 'f-good', ovf, vmdk);
    await source('bombs', folder);

    let isRead = false;
    const reading = at.call('providers.refresh', { params: { provider: 'bombs' } }).finally(() => {
      isRead = true;
    });
    let answers = 0;
    for (; !isRead; answers += 1) {
      const { status } = await fetch(`${at.url}/health/live`);
      expect(status).toBe(200);
    }
    const inventory = await reading;
    // Where the planner itself reads, it answers a few times between two packages.
    expect(answers).toBeGreaterThan(60);
    expect(inventory.vms.map(({ name }) => name)).toEqual(['a-affinity', 'd-gzip', 'f-good']);
    const codes = new Map(
      inventory.problems.map(({ item, code }) => [/\w-\w+(?=\.ova)/.exec(item)?.[0], code]),
    );
    expect(codes).toEqual(
      new Map([
        ['b-references', 'LL-OVA-004'],
        ['c-attributes', 'LL-OVA-004'],
        ['e-names', 'LL-OVA-002'],
      ]),
    );
    const { pid } = at.service('planner');
    const highest = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    expect(Number(highest) * 1024).toBeLessThan(MOST_MEMORY);
  });
});

describe('a package whose disk leads to a file or a server of the host', () => {
  let server: Server;
  let connections = 0;
  const images = new Map<
    string,
    { readonly format: string; readonly code: string; readonly args: string[] }
  >();

  beforeAll(async () => {
    const host = at.folder.file('host-secret');
    writeFileSync(host, Buffer.concat([Buffer.from(SECRET), Buffer.alloc(2 * MiB - SECRET.length)]));
    const parent = at.folder.file('parent.vmdk');
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'vmdk', host, parent]);
    server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const nbd = `nbd://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
    const over = (format: string, base: string, of: string): string[] => ['-f', format, '-b', base, '-F', of];
    images
      .set('qcow2-file', { format: 'qcow2', code: 'LL-OVA-013', args: over('qcow2', host, 'raw') })
      .set('qcow2-nbd', { format: 'qcow2', code: 'LL-OVA-013', args: ['-u', ...over('qcow2', nbd, 'raw')] })
      .set('vmdk-parent', { format: 'vmdk', code: 'LL-OVA-016', args: over('vmdk', parent, 'vmdk') })
      .set('raw-qcow2', { format: 'raw', code: 'LL-OVA-018', args: over('qcow2', host, 'raw') });
    const folder = folderOf('liars');
    for (const [name, { format, args }] of images) {
      const image = at.folder.file(`${name}.image`);
      const size = format === 'vmdk' ? [] : ['2M'];
      execFileSync('qemu-img', ['create', '-q', ...args, image, ...size]);
      const declared = ovf.replace(/ovf:format="[^"]*"/, `ovf:format="http://example.test/${format}.html"`);
      await pack(folder, name, declared, readFileSync(image));
    }
    await at.prepare({ source: { name: 'liars', type: 'ova', settings: { path: folder } } });
  });
  afterAll(() => {
    server.close();
  });

  it('is named by the inventory and refused in a plan, and nothing of the host comes through', async () => {
    const params = { provider: 'liars' };
    const inventory = await at.call('providers.refresh', { params });
    expect(inventory.vms).toEqual([]);
    const codes = inventory.problems.map(({ item, code }) => [/[\w-]+(?=\.ova)/.exec(item)?.[0], code]);
    expect(new Map(codes as [string, string][])).toEqual(
      new Map([...images].map(([name, { code }]) => [name, code])),
    );
    for (const name of images.keys()) {
      const ends = { source: 'liars', target: 'out', networkMapping: 'nets', storageMapping: 'disks' };
      await at.call('plans.create', { body: { name, ...ends, vms: [{ ref: name }] } });
      const { ready, conditions } = await at.call('plans.validate', { params: { plan: name } });
      expect(ready).toBe(false);
      expect(conditions).toContainEqual(
        expect.objectContaining({ type: 'VMNotFound', category: 'Critical', items: [name] }),
      );
      await expect(at.call('plans.start', { params: { plan: name } })).rejects.toThrow('VMNotFound');
    }
    const written = filesBelow(at.folder.file('out')).map((file) =>
      readFileSync(at.folder.file('out', file)),
    );
    expect(written.filter((content) => content.includes(SECRET))).toEqual([]);
    expect(connections).toBe(0);
  });
});

const zeros = gzipSync(Buffer.alloc(64 * MiB), { level: 1 });

/** Headers of GNU long names, each with a name of 1 KiB, one after the other. */
function longNames(count: number): Buffer {
  const one = Buffer.alloc(512 + 1024, 0x61);
  one.fill(0, 0, 512);
  one.write('././@LongLink', 0, 'latin1');
  one.write('00000002000\0', 124, 'latin1');
  one.write('L', 156, 'latin1');
  one.write('ustar  \0', 257, 'latin1');
  one.fill(0x20, 148, 156);
  const sum = one.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  one.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat(Array.from({ length: count }, () => one));
}
