import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { markedProcesses } from '@ledgerlift/processes';
import { type TemporaryFolder, temporaryFolder, typescriptArguments } from '@ledgerlift/testing';
import { installationMark } from './installation.js';

/** The fixture's output from its start until it is up. */
const MOMENTS = [
  'preparing',
  ...['bus starting', 'bus ready', 'planner starting', 'planner ready'],
  ...['worker-1 starting', 'worker-2 starting', 'worker-1 ready', 'worker-2 ready', 'up'],
];

let temporary: TemporaryFolder;
let folder: string;
beforeEach(async () => {
  temporary = temporaryFolder('up');
  folder = temporary.path;
});
afterEach(() => temporary.remove());

/** Runs the fixture, sends the signals at the given moment, and waits until it ends. */
async function run(moment: string, signals: readonly NodeJS.Signals[]) {
  const child: ChildProcess = spawn(
    process.execPath,
    [...typescriptArguments, join(import.meta.dirname, 'supervised.fixture.ts'), folder, folder],
    // Without Jest's own options.
    { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env['PATH'] } },
  );
  const lines: string[] = [];
  if (child.stdout !== null)
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      if (line === moment) for (const signal of signals) child.kill(signal);
    });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { lines, code, signal };
}

const names = (lines: readonly string[], news: string): readonly string[] =>
  lines
    .filter((line) => line.endsWith(` ${news}`))
    .map((line) => line.split(' ')[0] ?? '')
    .sort();

/** One in each stage. */
const STAGES = ['preparing', 'bus starting', 'planner starting', 'worker-2 starting', 'up'];

describe.each<[readonly NodeJS.Signals[], readonly string[]]>([
  [['SIGTERM'], MOMENTS],
  [['SIGHUP'], STAGES],
  [['SIGINT', 'SIGINT', 'SIGTERM'], STAGES],
])('a supervisor that gets %j', (signals, moments) => {
  it.each(moments)('at "%s" ends what it started, once, and itself', async (moment) => {
    const { lines, code } = await run(moment, signals);
    expect(code).toBe(0);
    expect(lines).toContain(moment);
    expect(names(lines, 'stopped')).toEqual(names(lines, 'starting'));
    expect(names(lines, 'died')).toEqual([]);
    expect(await markedProcesses(installationMark(folder))).toEqual([]);
  });
});

describe('a supervisor that is killed', () => {
  it.each(STAGES)('at "%s" leaves no process behind', async (moment) => {
    const { signal } = await run(moment, ['SIGKILL']);
    expect(signal).toBe('SIGKILL');
    while ((await markedProcesses(installationMark(folder))).length > 0) await sleep(10);
  });
});
