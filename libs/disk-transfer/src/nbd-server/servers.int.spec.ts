import { execFile } from 'node:child_process';
import { copyFile, readFile, readlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TemporaryFolder, temporaryFolder } from '@ledgerlift/testing';
import { NbdClient } from '../nbd/client.js';
import { type NbdServer, type StartOptions, startServer } from './server-process.js';
import { serveNbdkit } from './nbdkit.js';
import { type SourceImage, nodeGraph, serveForVerification, serveSource, serveTarget } from './servers.js';

const run = promisify(execFile);
const MiB = 1024 * 1024;
const SECRET = 'the host keeps this for itself';
let folder: TemporaryFolder;

beforeAll(async () => {
  folder = temporaryFolder('servers');
  await writeFile(folder.file('host'), SECRET);
  await truncate(folder.file('host'), MiB);
});
afterAll(() => folder.remove());

async function firstBytes({ socket, stop }: Pick<NbdServer, 'socket' | 'stop'>): Promise<string> {
  const client = await NbdClient.connect({ socket });
  try {
    const bytes = Buffer.alloc(512);
    await client.read(0, bytes);
    return bytes.toString('latin1');
  } finally {
    client.close();
    await stop();
  }
}

/** Starts the server as `serveSource` does, as if the check of the header had passed. */
const withoutCheck = (image: SourceImage): Promise<NbdServer> =>
  startServer('qemu-nbd', (socket) => [
    '--read-only',
    '--persistent',
    `--socket=${socket}`,
    nodeGraph(image),
  ]);

const qcow2 = async (name: string, ...options: readonly string[]): Promise<SourceImage> => {
  const file = folder.file(name);
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', ...options, file, '1M']);
  return { driver: 'qcow2', file };
};

/** A descriptor whose extent is a file of the host: no option of QEMU's driver turns that off. */
async function foreignExtent(): Promise<SourceImage> {
  const file = folder.file('extent.vmdk');
  const words = ['# Disk DescriptorFile', 'version=1', 'CID=fffffffe', 'parentCID=ffffffff'];
  const extent = `RW ${MiB / 512} FLAT "${folder.file('host')}" 0`;
  await writeFile(file, [...words, 'createType="monolithicFlat"', extent, ''].join('\n'));
  return { driver: 'vmdk', file };
}

describe('the sandbox of a server', () => {
  const cell = (image: SourceImage) => ({ read: [image.file], write: [], network: 'none' }) as const;
  const serve = (image: SourceImage, options: StartOptions): Promise<NbdServer> =>
    startServer(
      'qemu-nbd',
      (socket) => ['--read-only', '--persistent', `--socket=${socket}`, nodeGraph(image)],
      options,
    );

  it('hides the files of the host that an image leads to', async () => {
    const image = await foreignExtent();
    // The lie works where nothing hinders it.
    expect(await firstBytes(await serve(image, {}))).toContain(SECRET);
    await expect(serve(image, { cell: cell(image) })).rejects.toMatchObject({
      code: 'LL-DSK-020',
      message: expect.stringContaining('No such file'),
    });
  });

  it('tells the pid of the server itself, which ends when it is asked', async () => {
    const image = await qcow2('ends');
    const server = await serve({ ...image }, { cell: cell(image) });
    expect((await readFile(`/proc/${server.pid}/cmdline`, 'utf8')).split('\0')[0]).toBe('qemu-nbd');
    await server.stop();
    expect(server.ended()).toBe('it ended with status 0');
    await expect(readFile(`/proc/${server.pid}/cmdline`)).rejects.toThrow('ENOENT');
  });

  it.each([
    ['a source image', async (image: SourceImage) => serveSource(image)],
    ['a target', async ({ file }: SourceImage) => serveTarget({ path: file, format: 'qcow2' })],
    [
      'what is verified',
      async ({ file }: SourceImage) => (await serveForVerification({ path: file, format: 'qcow2' })).server,
    ],
    [
      "a plugin's disk",
      async () =>
        serveNbdkit({ plugin: 'memory', parameters: [['size', '1M']], secrets: [], files: [], reads: [] }),
    ],
  ])('is around the server of %s', async (_what, start) => {
    const image = await qcow2('celled');
    const server = await start(image);
    const namespaceOf = (pid: number | 'self') => readlink(`/proc/${pid}/ns/mnt`);
    const [theirs, ours] = await Promise.all([namespaceOf(server.pid), namespaceOf('self')]);
    await server.stop();
    expect(theirs).not.toBe(ours);
  });

  it('has no network', async () => {
    const image = await qcow2('alone');
    const server = await serve(image, { cell: cell(image) });
    const routes = await readFile(`/proc/${server.pid}/net/dev`, 'utf8');
    await server.stop();
    expect(routes.split('\n').filter((line) => line.includes(':'))).toHaveLength(1);
  });
});

describe('a source image that leads out of itself', () => {
  it('is refused when it took the place of an honest one after the inventory', async () => {
    const honest = await qcow2('swapped');
    expect(await firstBytes(await serveSource(honest))).not.toContain(SECRET);
    const liar = await qcow2('liar', '-b', folder.file('host'), '-F', 'raw');
    await copyFile(liar.file, honest.file);
    await expect(serveSource(honest)).rejects.toMatchObject({ code: 'LL-DSK-040' });
  });

  it('has no backing file for QEMU, even if nobody checked its header', async () => {
    const liar = await qcow2('unchecked', '-b', folder.file('host'), '-F', 'raw');
    expect(await firstBytes(await withoutCheck(liar))).not.toContain(SECRET);
  });

  it('connects to nobody, even if nobody checked its header', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const liar = await qcow2('caller', '-u', '-b', `nbd://127.0.0.1:${port}`, '-F', 'raw');
    await firstBytes(await withoutCheck(liar));
    await new Promise((resolve) => server.close(resolve));
    expect(connections).toBe(0);
  });

  it('has no parent for QEMU, even if nobody checked its header', async () => {
    const parent = folder.file('parent.vmdk');
    await run('qemu-img', ['convert', '-f', 'raw', '-O', 'vmdk', folder.file('host'), parent]);
    const file = folder.file('delta.vmdk');
    await run('qemu-img', ['create', '-q', '-f', 'vmdk', '-b', parent, '-F', 'vmdk', file]);
    expect((await readFile(file)).toString('latin1')).toContain('parentFileNameHint');
    expect(await firstBytes(await withoutCheck({ driver: 'vmdk', file }))).not.toContain(SECRET);
    await expect(serveSource({ driver: 'vmdk', file })).rejects.toMatchObject({ code: 'LL-DSK-040' });
  });

  it('has its whole size as a VHD of VirtualBox, whose geometry is smaller', async () => {
    const file = folder.file('whole.vhd');
    await run('qemu-img', ['create', '-q', '-f', 'vpc', '-o', 'force_size=on', file, '8M']);
    const image = await readFile(file);
    // Virtual Hard Disk Image Format Specification 1.0: creator, geometry and checksum of the footer, and of its copy.
    for (const footer of [image.subarray(0, 512), image.subarray(-512)]) {
      footer.write('vbox', 28, 'latin1');
      footer.set([0, 240, 4, 17], 56);
      footer.writeUInt32BE(0, 64);
      footer.writeUInt32BE(~footer.reduce((sum, byte) => sum + byte, 0) >>> 0, 64);
    }
    await writeFile(file, image);
    const { socket, stop } = await serveSource({ driver: 'vpc', file });
    const client = await NbdClient.connect({ socket });
    expect(client.size).toBe(8 * MiB);
    client.close();
    await stop();
  });

  it.each(['raw', 'vmdk', 'qcow2', 'vpc'] as const)(
    'an honest %s within a package is read',
    async (driver) => {
      const image = folder.file(`honest.${driver}`);
      await run('qemu-img', ['convert', '-f', 'raw', '-O', driver, folder.file('host'), image]);
      const content = await readFile(image);
      const length = Math.ceil(content.length / 512) * 512;
      const file = folder.file(`a, "b" ${driver}.ova`);
      await writeFile(
        file,
        Buffer.concat([Buffer.alloc(1024), content, Buffer.alloc(length - content.length)]),
      );
      const bytes = await firstBytes(await serveSource({ driver, file, within: { offset: 1024, length } }));
      expect(bytes).toContain(SECRET);
    },
  );
});
