import { execFileSync } from 'node:child_process';
import { readFile, readdir, truncate, writeFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TemporaryFolder, temporaryFolder } from '@ledgerlift/testing';
import { type ToolRun, ToolRunFailed, runTool } from './run-tool.js';

const MiB = 1024 * 1024;
let folder: TemporaryFolder;
let host: string;
let image: string;

beforeAll(async () => {
  folder = temporaryFolder('run-tool');
  host = folder.file('host');
  image = folder.file('image');
  await writeFile(host, 'the host keeps this for itself');
  await truncate(host, MiB);
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', host, '-F', 'raw', image]);
});
afterAll(() => folder.remove());

const within = (change: Partial<ToolRun['cell']> = {}): ToolRun => ({
  cell: { read: [], write: [], network: 'none', ...change },
  timeoutMs: 60_000,
});
const failureOf = (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a tool that opens what others made', () => {
  it('does not find the file of the host that an image leads to', async () => {
    const convert = ['convert', '-f', 'qcow2', '-O', 'raw', image, folder.file('copy')];
    // The lie works where nothing hinders it.
    execFileSync('qemu-img', convert);
    expect((await readFile(folder.file('copy'))).toString('latin1')).toContain('keeps this for itself');
    await writeFile(folder.file('copy'), '');
    const run = runTool('qemu-img', convert, within({ read: [image], write: [folder.file('copy')] }));
    expect(await failureOf(run)).toMatchObject({ why: 'failed', reason: expect.stringContaining(host) });
    expect(await readFile(folder.file('copy'), 'utf8')).toBe('');
  });

  it('changes nothing that it may only read', async () => {
    const before = await readFile(image);
    const run = runTool('qemu-img', ['resize', '-q', '-f', 'qcow2', image, '8M'], within({ read: [image] }));
    expect(await failureOf(run)).toBeInstanceOf(ToolRunFailed);
    expect((await readFile(image)).equals(before)).toBe(true);
  });

  it('has no network, and none of our environment', async () => {
    process.env['LEDGERLIFT_NATS_URL'] = 'nats://me:hunter2@nats';
    const { stdout: environment } = await runTool('env', [], within());
    delete process.env['LEDGERLIFT_NATS_URL'];
    expect(environment).toContain('PATH=');
    expect(environment).not.toContain('hunter2');
    const { stdout: devices } = await runTool('cat', ['/proc/net/dev'], within());
    expect(devices.split('\n').filter((line) => line.includes(':'))).toHaveLength(1);
  });

  it('that is not installed is told apart from one that failed', async () => {
    expect(await failureOf(runTool('qemu-not-there', [], within()))).toMatchObject({ why: 'not-installed' });
    expect(await failureOf(runTool('false', [], within()))).toMatchObject({ why: 'failed' });
  });

  it('has ended when it was aborted', async () => {
    const stop = new AbortController();
    const mark = folder.file('mark');
    await writeFile(mark, '');
    const script = `echo begun > '${mark}'; exec sleep 7654321.${process.pid}`;
    const run = runTool('sh', ['-c', script], { ...within({ write: [mark] }), signal: stop.signal });
    const ended = expect(run).rejects.toThrow('enough');
    while ((await readFile(mark, 'utf8')) === '') await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort(new Error('enough'));
    await ended;
    expect(await running(`sleep\u00007654321.${process.pid}`)).toEqual([]);
  });

  it('leaves nothing of its sandbox, at whatever moment of its making it was aborted', async () => {
    // Others may run the same spec on this machine.
    const unlike = `7654322.${process.pid}`;
    for (let tenths = 0; tenths < 100; tenths += 1) {
      const stop = new AbortController();
      const ended = runTool('sleep', [unlike], { ...within(), signal: stop.signal });
      ended.catch(() => undefined);
      // From before bwrap begins until after the tool does.
      for (const end = performance.now() + tenths / 5; performance.now() < end;) await setImmediate();
      stop.abort(new Error('enough'));
      await expect(ended).rejects.toThrow('enough');
    }
    const left = await running('');
    expect(left.filter((command) => command.includes(unlike))).toEqual([]);
  });
});

async function running(command: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.startsWith(command));
}
