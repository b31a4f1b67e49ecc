import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type TemporaryFolder,
  extensionModule,
  temporaryFolder,
  typescriptArguments,
} from '@ledgerlift/testing';

let folder: TemporaryFolder;
beforeAll(() => {
  folder = temporaryFolder('doctor');
});
afterAll(() => folder.remove());

const REPORT = `report: async ({ crane }) => [{ name: 'crane', state: crane.plugin, use: 'heavy toys', get: '' }]`;
const LOOK = `look: async ({ CRANE_TONS }) => ({ crane: { plugin: 'lifts ' + CRANE_TONS * 1000 + ' kg' } })`;
const needsCrane = `requirements: { variables: { CRANE_TONS: z.coerce.number().describe('how many tons it lifts') }, ${LOOK}, ${REPORT} }`;

/** Lines of the doctor with these extensions, and its exit status. */
async function doctor(extensions: string, env: Record<string, string> = {}) {
  const child = spawn(
    process.execPath,
    [...typescriptArguments, join(import.meta.dirname, '../main.ts'), 'doctor'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'], LEDGERLIFT_EXTENSIONS: extensions, ...env },
    },
  );
  const [lines, [status]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return { lines, status: status as number | null };
}

describe('the doctor', () => {
  it('reports the tools that read disks of an extension, by its variables', async () => {
    const module = extensionModule(folder, 'x-crane', needsCrane);
    const { lines } = await doctor(module, { CRANE_TONS: '3' });
    expect(lines).toMatch(new RegExp(`^${module} +present +all services, by LEDGERLIFT_EXTENSIONS$`, 'm'));
    expect(lines).toMatch(/^crane +lifts 3000 kg +heavy toys$/m);
  });

  it('reports a wrong variable of an extension, and the expected value', async () => {
    const { lines, status } = await doctor(extensionModule(folder, 'x-crane', needsCrane), {
      CRANE_TONS: 'plenty',
    });
    expect(lines).toMatch(
      /^CRANE_TONS +wrong +services that read disks of x-crane +set it to how many tons/m,
    );
    expect(lines).not.toMatch(/plenty/);
    expect(status).toBe(1);
  });

  it('reports every extension that would prevent a service from starting, and continues', async () => {
    const [one, same] = [extensionModule(folder, 'x-one'), extensionModule(folder, 'x-one')];
    const { lines, status } = await doctor(`${one},${same},${folder.file('none.mjs')}`);
    expect(lines).toMatch(new RegExp(`^${one} +present`, 'm'));
    expect(lines).toMatch(new RegExp(`^${same} +wrong .*LL-EXT-001 .*'x-one' is one of '${one}'`, 'm'));
    expect(lines).toMatch(/^\S+none\.mjs +wrong .*LL-EXT-001 .*cannot be loaded/m);
    expect(lines).toMatch(/^qemu-img /m);
    expect(status).toBe(1);
  });

  it('reports an empty entry in the list of extensions', async () => {
    const { lines } = await doctor('one,,two');
    expect(lines).toMatch(/^LEDGERLIFT_EXTENSIONS +wrong .*name absolute paths or packages/m);
  });
});
