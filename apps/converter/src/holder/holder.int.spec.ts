import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { markOfGroup, markedProcesses } from '@ledgerlift/processes';
import { temporaryFolder, type TemporaryFolder, until } from '@ledgerlift/testing';
import { HeldElsewhere, HolderUnreadable } from '../errors.js';
import { startChild } from '../spec/child.js';
import { endHolder, HolderRecord } from './record.js';
import { runHeld } from './run-held.js';

let folder: TemporaryFolder;
const children: ChildProcess[] = [];
const owner = { worker: 'converter/spec/1', installation: 'spec', stream: 'vm-m1-0' };
const path = (name: string): string => join(folder.path, name);
const readRecord = (): HolderRecord =>
  HolderRecord.parse(JSON.parse(readFileSync(path('writer.json'), 'utf8')));

/**
 * A command that starts a process that outlives it, as virt-v2v starts qemu-nbd, and one that reports when it has its
 * own session.
 */
const STUBBORN = `sleep 300 & setsid sh -c 'echo started; exec sleep 300' & sleep 300`;

const run = (
  script: string,
  options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {},
) => {
  const output: string[] = [];
  return runHeld({
    argv: ['sh', '-c', script],
    env: { PATH: process.env['PATH'] ?? '' },
    record: path('writer.json'),
    scratch: path('scratch'),
    owner,
    timeoutMs: options.timeoutMs ?? 60_000,
    settleMs: 500,
    signal: options.signal ?? new AbortController().signal,
    onStdout: (chunk) => output.push(String(chunk)),
    onStderr: (chunk) => output.push(String(chunk)),
  }).then((end) => ({ end, output: output.join('') }));
};

/** A separate service that holds disks, started until the command runs. */
async function startHolder(): Promise<ChildProcess> {
  const child = startChild(new URL('../spec/holder-child.ts', import.meta.url), [
    path('writer.json'),
    path('scratch'),
    'sh',
    '-c',
    STUBBORN,
  ]);
  children.push(child);
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child;
}

beforeEach(() => {
  folder = temporaryFolder('holder');
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  if (existsSync(path('writer.json'))) await endHolder(path('writer.json'), owner).catch(() => undefined);
  await folder[Symbol.asyncDispose]();
});

describe('a command that holds disks', () => {
  it('is recorded before it runs, and its scratch folder is removed with it', async () => {
    const { end, output } = await run(`cat ${path('writer.json')}; pwd`);
    expect(end).toEqual({ ended: 'exit', status: 0 });
    expect(output).toContain('"stream":"vm-m1-0"');
    expect(output).toContain(path('scratch'));
    expect(existsSync(path('scratch'))).toBe(false);
  });

  it('returns its status or signal', async () => {
    expect((await run('exit 3')).end).toEqual({ ended: 'exit', status: 3 });
    expect((await run('kill -KILL $$')).end).toEqual({ ended: 'exit', status: 137 });
    expect((await run('exec /does/not/exist')).end).toEqual({ ended: 'exit', status: 127 });
  });

  it('is finished when the processes that it started have exited', async () => {
    const { end } = await run(`(sleep 0.3; echo flushed >${path('flushed')}) & exit 0`);
    expect(end).toEqual({ ended: 'exit', status: 0 });
    expect(existsSync(path('flushed'))).toBe(true);
  });

  it('is unsettled if a process that it started does not end', async () => {
    const { end } = await run('setsid sleep 300 & sleep 0.5; exit 0');
    expect(end).toEqual({ ended: 'unsettled' });
    expect(await markedProcesses(markOfGroup(readRecord()))).toEqual([]);
  });

  it('is stopped with all processes that it started', async () => {
    const controller = new AbortController();
    const running = run(STUBBORN, { signal: controller.signal });
    await until(
      'the children',
      async () =>
        existsSync(path('writer.json')) && (await markedProcesses(markOfGroup(readRecord()))).length > 4,
    );
    controller.abort(new Error('canceled'));
    await expect(running).rejects.toThrow('canceled');
    expect(await markedProcesses(markOfGroup(readRecord()))).toEqual([]);
  });

  it('is stopped at its time limit', async () => {
    expect((await run(STUBBORN, { timeoutMs: 300 })).end).toEqual({ ended: 'timeout' });
    expect(await markedProcesses(markOfGroup(readRecord()))).toEqual([]);
  });
});

describe('a service that holds disks and dies by kill -9', () => {
  it('takes its process group with it at once', async () => {
    const service = await startHolder();
    const { mark } = readRecord();
    const before = (await markedProcesses(markOfGroup({ mark }))).length;
    service.kill('SIGKILL');
    await once(service, 'exit');
    // The next attempt ends a process that left the session (setsid).
    await until(
      'the one that is left',
      async () => (await markedProcesses(markOfGroup({ mark }))).length === 1,
    );
    expect(before).toBeGreaterThan(4);
    expect(await endHolder(path('writer.json'), owner)).toBe('gone');
    expect(await markedProcesses(markOfGroup({ mark }))).toEqual([]);
    expect(existsSync(path('scratch'))).toBe(false);
  });

  it('is ended by the next attempt if it is only stopped', async () => {
    const service = await startHolder();
    service.kill('SIGSTOP');
    const { mark } = readRecord();
    expect(await endHolder(path('writer.json'), owner)).toBe('gone');
    expect(await markedProcesses(markOfGroup({ mark }))).toEqual([]);
    service.kill('SIGCONT');
  });
});

describe('a record of processes that hold disks', () => {
  it('of another host needs an operator', async () => {
    await run('true');
    writeFileSync(
      path('writer.json'),
      JSON.stringify({ ...readRecord(), host: 'elsewhere', bootId: 'other' }),
    );
    await expect(endHolder(path('writer.json'), owner)).rejects.toThrow(HeldElsewhere);
  });

  it('of this host before a reboot is void', async () => {
    await run('true');
    writeFileSync(
      path('writer.json'),
      JSON.stringify({ ...readRecord(), host: hostname(), bootId: 'other' }),
    );
    expect(await endHolder(path('writer.json'), owner)).toBe('gone');
  });

  it('of another VM with the same name is ignored', async () => {
    const service = await startHolder();
    const { mark } = readRecord();
    expect(await endHolder(path('writer.json'), { ...owner, stream: 'vm-m2-0' })).toBe('gone');
    expect((await markedProcesses(markOfGroup({ mark }))).length).toBeGreaterThan(4);
    expect(service.exitCode).toBe(null);
  });

  it('whose pid was reused kills nothing', async () => {
    await run('true');
    const bystander = spawn('sleep', ['300'], { detached: true });
    children.push(bystander);
    writeFileSync(path('writer.json'), JSON.stringify({ ...readRecord(), pid: bystander.pid }));
    expect(await endHolder(path('writer.json'), owner)).toBe('gone');
    await delay(200);
    expect(bystander.signalCode).toBe(null);
  });

  it('that is not readable needs an operator', async () => {
    writeFileSync(path('writer.json'), '{"mark":');
    await expect(endHolder(path('writer.json'), owner)).rejects.toThrow(HolderUnreadable);
  });
});
