import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type Server, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Mark, markedProcesses } from '@ledgerlift/processes';
import { installationMark, tryLockDataDir } from './data-dir-lock.js';

const cli = join(import.meta.dirname, '..', '..', 'dist', 'main.js');

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
  dataDir = await mkdtemp(join(tmpdir(), 'ledgerlift-up-'));
  [httpPort, natsPort] = await freePorts();
  running = [];
});
afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  await ledgerlift('down').ended;
  await rm(dataDir, { recursive: true, force: true });
});

/** @param through what runs it, each with its arguments */
function ledgerlift(command: 'up' | 'down', through: readonly string[] = []): Running {
  const ports = command === 'up' ? ['--port', String(httpPort), '--nats-port', String(natsPort)] : [];
  const child = spawn(process.execPath, [...through, cli, command, '--data-dir', dataDir, ...ports], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Jest's own options are not for it.
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

/** @throws when it ends first */
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
  it('has a data directory for itself, leaves nothing behind when killed, and ends by down', async () => {
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

describe('what runs ledgerlift up for npm', () => {
  it('ends with it, and with all of it, when it is asked to stop', async () => {
    const mark = await markOfDataDir();
    const up = ledgerlift('up', [join(import.meta.dirname, '../../../../scripts/run.mjs'), 'node']);
    await says(up, 'Ledgerlift is up');
    up.child.kill('SIGTERM');
    expect(await up.ended).toBe(0);
    expect(await markedProcesses(mark)).toEqual([]);
  });
});

describe('ledgerlift down', () => {
  it('ends what a killed up left in this data directory, and nothing of another', async () => {
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
