import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';

/** Between two processes on this machine: what a network can do to their connections, without a privilege. */
export class TcpProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #mode: 'pass' | 'cut' | 'hold' = 'pass';

  private constructor(private readonly target: number) {
    this.#server = createServer((client) => this.#accept(client));
  }

  /** @param port of the server, on 127.0.0.1 */
  static async to(port: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(port);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections end, and new ones are closed at once. */
  cut(): void {
    this.#mode = 'cut';
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  /** Connections stay open, and nothing comes through in either direction. */
  hold(): void {
    this.#mode = 'hold';
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  pass(): void {
    this.#mode = 'pass';
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    if (this.#mode === 'cut') {
      client.destroy();
      return;
    }
    const server = connect(this.target, '127.0.0.1');
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [server, client] as const]) {
      from.setNoDelay(true);
      from.on('error', () => from.destroy());
      from.on('close', () => {
        this.#pairs.delete(pair);
        to.destroy();
      });
      // By hand in place of pipe(), which would resume a socket that is held.
      from.on('data', (chunk) => {
        if (!to.destroyed) to.write(chunk);
      });
      if (this.#mode === 'hold') from.pause();
    }
  }
}
