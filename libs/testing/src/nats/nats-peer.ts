import { type NatsConnection, connect } from '@nats-io/transport-node';
import { type NatsServer, startNats } from './nats-server.js';

/** A real nats-server with the connections that a spec opened to it. */
export class NatsPeer {
  readonly #connections: NatsConnection[] = [];

  private constructor(readonly server: NatsServer) {}

  static async start(): Promise<NatsPeer> {
    return new NatsPeer(await startNats());
  }

  /** A connection that comes back as ours do, and is closed with the server. */
  async connect(): Promise<NatsConnection> {
    const nc = await connect({ servers: this.server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    this.#connections.push(nc);
    return nc;
  }

  async stop(): Promise<void> {
    for (const nc of this.#connections) await nc.close();
    await this.server.stop();
  }
}
