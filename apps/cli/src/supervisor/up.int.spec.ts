import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Mark, markedProcesses } from '@ledgerlift/processes';
import { type TemporaryFolder, temporaryFolder } from '@ledgerlift/testing';
import { installationMark, tryLockDataDir } from './installation.js';

const cli = join(import.meta.dirname, '..', '..', 'dist', 'main.js');

let temporary: TemporaryFolder;
let dataDir: string;
let httpPort: number;
let natsPort: number;
let running: Running[] = [];

interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

beforeEach(async () => {
  temporary = temporaryFolder('up');
  dataDir = temporary.path;
  [httpPort, natsPort] = await freePorts();
  running = [];
});
afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  await ledgerlift('down').ended;
  await temporary.remove();
});

/** @param through a launcher with its arguments */
function ledgerlift(command: 'up' | 'down', through: readonly string[] = []): Running {
  const ports = command === 'up' ? ['--port', String(httpPort), '--nats-port', String(natsPort)] : [];
  const child = spawn(process.execPath, [...through, cli, command, '--data-dir', dataDir, ...ports], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Without Jest's own options.
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const started = {
    child,
    output: () => output,
    ended: once(child, 'close').then(([code]) => code as number | null),
  };
  running.push(started);
  return started;
}

/** @throws if it ends first */
async function says({ output, child }: Running, text: string): Promise<void> {
  while (!output().includes(text)) {
    if (child.exitCode !== null) throw new Error(`it ended before it said "${text}": ${output()}`);
    await sleep(20);
  }
}

async function markOfDataDir(): Promise<Mark> {
  const lock = await tryLockDataDir(dataDir);
  await lock?.release();
  return lock?.mark ?? installationMark('');
}

describe('ledgerlift up', () => {
  it('locks its data directory, leaves no process when killed, and stops on down', async () => {
    const mark = await markOfDataDir();
    const first = ledgerlift('up');
    await says(first, 'Ledgerlift is up');
    const all = await markedProcesses(mark);
    expect(all).toHaveLength(5);

    const second = ledgerlift('up');
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`LL-CLI-008 (--data-dir) process ${first.child.pid} `);
    expect(await markedProcesses(mark)).toEqual(all);

    first.child.kill('SIGKILL');
    await first.ended;
    const third = ledgerlift('up');
    await says(third, 'Ledgerlift is up');
    expect(await markedProcesses(mark)).toHaveLength(5);
    third.child.kill('SIGKILL');
    await third.ended;
    while ((await markedProcesses(mark)).length > 0) await sleep(20);

    const fourth = ledgerlift('up');
    await says(fourth, 'planner     starting');
    const down = ledgerlift('down');
    expect(await down.ended).toBe(0);
    expect(down.output()).toContain(`stopped 'ledgerlift up' (pid ${fourth.child.pid})`);
    expect(await fourth.ended).toBe(0);
    expect(await markedProcesses(mark)).toEqual([]);

    const again = ledgerlift('down');
    expect(await again.ended).toBe(0);
    expect(again.output()).toContain('nothing runs in');
  });
});

describe('the npm launcher of ledgerlift up', () => {
  it('ends with all its processes on SIGTERM', async () => {
    const mark = await markOfDataDir();
    const up = ledgerlift('up', [join(import.meta.dirname, '../../../../scripts/run.mjs'), 'node']);
    await says(up, 'Ledgerlift is up');
    up.child.kill('SIGTERM');
    expect(await up.ended).toBe(0);
    expect(await markedProcesses(mark)).toEqual([]);
  });
});

describe('ledgerlift down', () => {
  it('stops processes that a killed up left in this data directory, and no others', async () => {
    const mark = await markOfDataDir();
    const orphan = ({ variable, value }: Mark): ChildProcess =>
      spawn('sleep', ['3600'], { stdio: 'ignore', env: { ...process.env, [variable]: value } });
    const [ours, other] = [orphan(mark), orphan({ ...mark, value: `${mark.value}-other` })];
    const ended = once(ours, 'exit');
    const down = ledgerlift('down');
    expect(await down.ended).toBe(0);
    expect(await ended).toEqual([null, 'SIGTERM']);
    expect(down.output()).toContain(`ended process ${ours.pid}`);
    expect(other.exitCode ?? other.signalCode).toBeNull();
    other.kill('SIGKILL');
  });
});

/** @returns the first of four ports in a row, and one more */
async function freePorts(): Promise<[number, number]> {
  for (;;) {
    const [first, nats] = [await listen(0), await listen(0)];
    const port = portOf(first);
    const more = await Promise.allSettled([1, 2, 3].map((n) => listen(port + n)));
    const servers = [
      first,
      nats,
      ...more.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : [])),
    ];
    const found: [number, number] = [port, portOf(nats)];
    await Promise.all(servers.map((server) => once(server.close(), 'close')));
    if (servers.length === 5) return found;
  }
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function listen(port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
