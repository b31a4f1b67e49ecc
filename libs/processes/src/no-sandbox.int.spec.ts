import { mkdirSync, symlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TemporaryFolder, temporaryFolder } from '@ledgerlift/testing';
import { ToolRunFailed, runTool } from './run-tool.js';
import { sandboxState } from './sandbox.js';

/** A machine that has tools, and no bubblewrap. */
let folder: TemporaryFolder;
const before = { ...process.env };
beforeAll(() => {
  folder = temporaryFolder('no-sandbox');
  mkdirSync(folder.file('bin'));
  symlinkSync('/usr/bin/qemu-img', folder.file('bin', 'qemu-img'));
  process.env['PATH'] = folder.file('bin');
});
afterAll(async () => {
  process.env['PATH'] = before['PATH'];
  delete process.env['LEDGERLIFT_SANDBOX'];
  await folder.remove();
});

const options = { cell: { read: [], write: [], network: 'none' }, timeoutMs: 60_000 } as const;

describe('where no sandbox can be had', () => {
  it('it is said why', async () => {
    expect(await sandboxState()).toEqual({ kind: 'missing', problem: 'bwrap is not installed' });
  });

  it('a tool runs without one, and one that is not installed is told apart', async () => {
    expect((await runTool('qemu-img', ['--version'], options)).stdout).toContain('qemu-img version');
    await expect(runTool('qemu-io', [], options)).rejects.toMatchObject({ why: 'not-installed' });
    await expect(runTool('qemu-img', ['nonsense'], options)).rejects.toBeInstanceOf(ToolRunFailed);
  });

  it('none runs where one is required', async () => {
    process.env['LEDGERLIFT_SANDBOX'] = 'required';
    await expect(runTool('qemu-img', ['--version'], options)).rejects.toMatchObject({
      code: 'LL-DSK-041',
      failure: 'needs-operator',
      message: expect.stringContaining('bwrap is not installed'),
    });
  });
});
