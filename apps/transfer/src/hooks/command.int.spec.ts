import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TemporaryFolder, temporaryFolder, typescriptArguments, until } from '@ledgerlift/testing';
import { runCommand } from './command.js';

let temporary: TemporaryFolder;
let root: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  temporary = temporaryFolder('hooks');
  root = temporary.path;
  mkdirSync(join(root, 'hooks'));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await temporary.remove();
});

const at = (...names: string[]): string => join(root, ...names);
function script(name: string, ...lines: string[]): void {
  writeFileSync(at('hooks', name), ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
}

interface Change {
  readonly arguments?: readonly string[];
  readonly timeLimitMs?: number;
  readonly hooksFolder?: string | undefined;
  readonly signal?: AbortSignal;
}
function run(command: string, change: Change = {}): Promise<string> {
  const { signal = new AbortController().signal, timeLimitMs = 10_000 } = change;
  const settings = {
    hooksFolder: 'hooksFolder' in change ? change.hooksFolder : at('hooks'),
    secretsFolder: undefined,
    environment: { PATH: process.env['PATH'] ?? '', LEDGERLIFT_SITE: 'local' },
  };
  const hook = { name: 'a-hook', run: { command, arguments: change.arguments ?? [] }, timeLimitMs };
  return runCommand(hook, { vm: { name: 'web' } }, settings, signal);
}

const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};
const pidIn = (name: string): number => Number(readFileSync(at(name), 'utf8'));

describe('a command hook', () => {
  it('gets the VM as JSON on standard input, and its output is kept', async () => {
    script('tell', 'cat; echo "$1 $2"');
    const said = await run('tell', { arguments: ['a b', '$(id)'] });
    expect(said).toBe('{"vm":{"name":"web"}}\na b $(id)\n');
  });

  it('sees only the environment that it is given', async () => {
    script('environment', 'env');
    process.env['SOME_PASSWORD'] = 'hunter2';
    const names = (await run('environment')).split('\n').map((line) => line.split('=')[0]);
    delete process.env['SOME_PASSWORD'];
    expect(names.sort()).toEqual(['', 'LEDGERLIFT_SITE', 'PATH', 'PWD']);
  });

  it('need not read its input', async () => {
    script('deaf', 'exec 0<&-; echo done');
    expect(await run('deaf')).toBe('done\n');
  });

  it('fails transiently if its status is not zero, with the end of its output', async () => {
    script('fail', 'head -c 100000 /dev/zero | tr "\\0" x; printf "\\033[31mno disk\\033[0m" >&2; exit 3');
    await expect(run('fail')).rejects.toMatchObject({
      code: 'LL-TRF-011',
      failure: 'transient',
      message: expect.stringMatching(/ended with status 3: x+no disk$/),
    });
  });

  it('is killed with its children at the time limit', async () => {
    script('slow', `(sleep infinity & echo $! > ${at('child')}; wait) &`, 'echo begun', 'sleep 60');
    await expect(run('slow', { timeLimitMs: 400 })).rejects.toMatchObject({
      code: 'LL-TRF-012',
      failure: 'transient',
      said: 'begun\n',
    });
    await until('the end of the child', () => !isAlive(pidIn('child')));
  });

  it('is killed with its children when the attempt is stopped', async () => {
    script(
      'stubborn',
      'trap "" TERM INT HUP',
      `sleep infinity & echo $! > ${at('child')}`,
      'while :; do wait; done',
    );
    const stop = new AbortController();
    const running = run('stubborn', { signal: stop.signal });
    running.catch(() => undefined);
    await until('the child', () => existsSync(at('child')) && pidIn('child') > 0);
    stop.abort(new Error('canceled'));
    await expect(running).rejects.toThrow('canceled');
    await until('the end of the child', () => !isAlive(pidIn('child')));
  });

  it('leaves no process running', async () => {
    script('daemon', `sleep infinity & echo $! > ${at('child')}; echo started`);
    expect(await run('daemon')).toBe('started\n');
    await until('the end of the child', () => !isAlive(pidIn('child')));
  });

  it('dies with the worker, even if that is killed', async () => {
    script('long', `sleep infinity & echo $! > ${at('child')}; wait`);
    const module = new URL('./command.ts', import.meta.url).href;
    const hook = { name: 'a-hook', run: { command: 'long', arguments: [] }, timeLimitMs: 60_000 };
    const settings = { hooksFolder: at('hooks'), environment: { PATH: process.env['PATH'] } };
    const call = `runCommand(${JSON.stringify(hook)}, {}, ${JSON.stringify(settings)}, new AbortController().signal)`;
    const worker = spawn(
      process.execPath,
      [
        ...typescriptArguments,
        '--input-type=module',
        '--eval',
        `const { runCommand } = await import('${module}'); await ${call};`,
      ],
      { env: { ...process.env, NODE_OPTIONS: '' } },
    );
    children.push(worker);
    await until('the child', () => existsSync(at('child')) && pidIn('child') > 0);
    expect(isAlive(pidIn('child'))).toBe(true);
    worker.kill('SIGKILL');
    await until('the end of the child', () => !isAlive(pidIn('child')));
  });
});

describe('a command that must not be run', () => {
  it.each([
    ['is not there', () => undefined, 'absent', /does not exist/],
    [
      'is not executable',
      () => writeFileSync(at('hooks', 'plain'), 'x', { mode: 0o644 }),
      'plain',
      /not executable/,
    ],
    ['is a folder', () => mkdirSync(at('hooks', 'folder')), 'folder', /is not a file/],
    [
      'is a link out of the folder',
      () => {
        writeFileSync(at('outside'), '#!/bin/sh\n', { mode: 0o755 });
        symlinkSync(at('outside'), at('hooks', 'link'));
      },
      'link',
      /points outside/,
    ],
  ])('because it %s fails permanently', async (_why, make, command, message) => {
    make();
    await expect(run(command)).rejects.toMatchObject({
      code: 'LL-TRF-010',
      failure: 'permanent',
      message: expect.stringMatching(message),
    });
  });

  it('because the worker has no hooks folder fails permanently', async () => {
    await expect(run('any', { hooksFolder: undefined })).rejects.toMatchObject({ code: 'LL-TRF-010' });
  });
});
