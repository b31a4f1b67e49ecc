import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { makeSmallDisk, sha256OfFile } from '../disks/index.js';
import { temporaryFolder } from '../temporary-folder.js';
import { buildOva, type OvaDisk, type OvaSpec } from './index.js';

const run = promisify(execFile);
const folder = temporaryFolder('ova');
const raw = folder.file('raw');
let digest = '';

beforeAll(async () => {
  digest = await makeSmallDisk(raw, { size: 4 * 1024 * 1024 });
});
afterAll(() => folder.remove());

const spec = (name: string, disk: Partial<OvaDisk>, more: Partial<OvaSpec> = {}): OvaSpec => ({
  name,
  folder: folder.path,
  vms: [{ name, disks: [{ raw, ...disk }], nics: [{ network: 'VM Network' }] }],
  ...more,
});

async function unpack(path: string): Promise<string> {
  const into = `${path}.unpacked`;
  await run('mkdir', [into]);
  await run('tar', ['-xf', path, '-C', into]);
  return into;
}

async function digestOfVmdk(vmdk: string): Promise<string> {
  await run('qemu-img', ['convert', '-f', 'vmdk', '-O', 'raw', vmdk, `${vmdk}.raw`]);
  return sha256OfFile(`${vmdk}.raw`);
}

describe('an OVA that was built', () => {
  it.each(['streamOptimized', 'monolithicSparse', 'monolithicFlat'] as const)(
    'holds the bytes of its disk as %s',
    async (subformat) => {
      const into = await unpack((await buildOva(spec(subformat, { subformat }))).path);
      expect(await digestOfVmdk(join(into, `${subformat}-disk1.vmdk`))).toBe(digest);
    },
  );

  it('holds them under gzip and in chunks too', async () => {
    const { path, files } = await buildOva(spec('cut', { compression: 'gzip', chunkSize: 500_000 }));
    const into = await unpack(path);
    const chunks = files.filter((file) => /\.gz\.\d{9}$/.test(file));
    expect(chunks.length).toBeGreaterThan(2);
    const zipped = Buffer.concat(await Promise.all(chunks.map((chunk) => readFile(join(into, chunk)))));
    await writeFile(join(into, 'joined.vmdk'), gunzipSync(zipped));
    expect(await digestOfVmdk(join(into, 'joined.vmdk'))).toBe(digest);
  });

  it.each(['SHA1', 'SHA256', 'SHA512'] as const)('has a true %s manifest', async (algorithm) => {
    const { path, files } = await buildOva(
      spec(algorithm, {}, { digest: algorithm, packing: 'folder', style: 'virtualbox' }),
    );
    const lines = (await readFile(join(dirname(path), `${algorithm}.mf`), 'utf8')).trim().split('\n');
    expect(lines).toHaveLength(files.length - 1);
    for (const line of lines) {
      const [, file = '', hex = ''] = /^\w+ \((.+)\) = (\w+)$/.exec(line) ?? [];
      const bytes = await readFile(join(dirname(path), file));
      expect(hex).toBe(createHash(algorithm.toLowerCase()).update(bytes).digest('hex'));
    }
  });

  it('is understood by virt-v2v, in both styles', async () => {
    for (const [style, bus] of [
      ['vmware', 'scsi'],
      ['virtualbox', 'sata'],
    ] as const) {
      const { path } = await buildOva(spec(`read-${style}`, {}, { style }));
      const { stdout } = await run('virt-v2v', ['-i', 'ova', path, '--print-source']);
      expect(stdout).toContain(`source name: read-${style}\n`);
      expect(stdout).toMatch(new RegExp(`disks:\\s+0 \\[${bus}\\]\n`));
      expect(stdout).toContain('Bridge "VM Network" [e1000]');
    }
  });

  it('leaves nothing else in its folder', async () => {
    expect((await readdir(folder.path)).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});
