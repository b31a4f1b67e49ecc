import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';

const binary =
  process.env['LEDGERLIFT_NATS'] === 'newest'
    ? join(homedir(), '.cache/ledgerlift/bin/nats-server')
    : 'nats-server';

/** A real nats-server with JetStream in a folder of its own, which can be killed, wiped and started again. */
export class NatsPeer {
  readonly #folder: string;
  readonly #port: number;
  readonly #connections: NatsConnection[] = [];
  #process: ChildProcess | undefined;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
  }

  static async start(): Promise<NatsPeer> {
    const peer = new NatsPeer(await mkdtemp(join(tmpdir(), 'ledgerlift-nats-')), await freePort());
    await peer.run();
    return peer;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  async run(): Promise<void> {
    const args = ['-a', '127.0.0.1', '-p', String(this.#port), '-js', '-sd', join(this.#folder, 'data')];
    this.#process = spawn(binary, args, { stdio: 'ignore' });
    for (let tries = 0; ; tries++) {
      try {
        const nc = await connect({ servers: this.url, reconnect: false });
        await nc.close();
        return;
      } catch (error) {
        if (tries > 100) throw error;
        await delay(50);
      }
    }
  }

  /** A connection that is closed with the server. */
  async connect(): Promise<NatsConnection> {
    const nc = await connect({ servers: this.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    this.#connections.push(nc);
    return nc;
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async wipe(): Promise<void> {
    await rm(join(this.#folder, 'data'), { recursive: true, force: true });
  }

  async stop(): Promise<void> {
    for (const nc of this.#connections) await nc.close();
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
