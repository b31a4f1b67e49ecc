import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { makeSmallDisk, sha256OfFile } from '../disks/index.js';
import { temporaryFolder } from '../temporary-folder.js';
import { applyStubMarker, stubVirtV2v, type StubVirtV2vEnvironment } from './index.js';

const run = promisify(execFile);
const folder = temporaryFolder('stub');
const raw = folder.file('base.raw');
const overlays = [folder.file('one.qcow2'), folder.file('two.qcow2')];

beforeAll(async () => {
  await makeSmallDisk(raw, { size: 4 * 1024 * 1024 });
  const disks = overlays.map(
    (overlay, n) =>
      `<disk type='file' device='disk'>\n<driver name="qemu" type="qcow2"/><source file="${overlay}"/>` +
      `<target dev='sd${'ab'.charAt(n)}' bus='scsi'/></disk>`,
  );
  await writeFile(folder.file('domain.xml'), `<domain><devices>${disks.join('\n')}</devices></domain>`);
});
afterAll(() => folder.remove());

async function convert(environment: StubVirtV2vEnvironment = {}): Promise<readonly string[]> {
  for (const overlay of overlays)
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', raw, '-F', 'raw', overlay]);
  const messages = folder.file('messages.jsonl');
  await writeFile(messages, '');
  const args = ['-v', `--machine-readable=file:${messages}`, '-i', 'libvirtxml', folder.file('domain.xml')];
  const env = { ...process.env, V2V_STUB_SECONDS: '0', ...environment };
  await run(stubVirtV2v, [...args, '--root', 'first'], { env, timeout: 2000 });
  const lines = (await readFile(messages, 'utf8')).trim().split('\n');
  return lines.map((line) => (JSON.parse(line) as { readonly type: string }).type);
}

describe('the stand-in for virt-v2v-in-place', () => {
  it('writes the known marker into every disk, and speaks as the real one', async () => {
    const types = await convert();
    expect(new Set(types)).toEqual(new Set(['message', 'info']));
    for (const [n, overlay] of overlays.entries()) {
      const [expected, seen] = [folder.file(`expected${n}`), folder.file(`seen${n}`)];
      await copyFile(raw, expected);
      await applyStubMarker(expected, n);
      await run('qemu-img', ['convert', '-O', 'raw', overlay, seen]);
      expect(await sha256OfFile(seen)).toBe(await sha256OfFile(expected));
      expect(await sha256OfFile(seen)).not.toBe(await sha256OfFile(raw));
    }
  });

  it('fails when it is told to', async () => {
    await expect(convert({ V2V_STUB_OUTCOME: 'fail' })).rejects.toMatchObject({ code: 1 });
  });

  it('hangs when it is told to', async () => {
    await expect(convert({ V2V_STUB_OUTCOME: 'hang' })).rejects.toMatchObject({ killed: true });
  });
});
