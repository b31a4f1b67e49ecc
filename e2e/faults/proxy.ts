import { type Server, type Socket, connect, createServer } from 'node:net';

/** A TCP proxy between the services and NATS, whose connections can be cut, refused or held. */
export class Proxy {
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #server: Server;
  #state: 'open' | 'refused' | 'held' = 'open';

  private constructor(private readonly target: number) {
    this.#server = createServer((inner) => this.#accept(inner));
  }

  static async start(port: number, target: number): Promise<Proxy> {
    const proxy = new Proxy(target);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(port, '127.0.0.1', resolve);
    });
    return proxy;
  }

  /** Every connection ends; new ones are refused until `heal`. */
  cut(): void {
    this.#state = 'refused';
    for (const [inner, outer] of this.#pairs) {
      inner.destroy();
      outer.destroy();
    }
  }

  /** Connections stay, and nothing goes through. */
  hold(): void {
    this.#state = 'held';
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  heal(): void {
    this.#state = 'open';
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #accept(inner: Socket): void {
    if (this.#state === 'refused') {
      inner.destroy();
      return;
    }
    const outer = connect(this.target, '127.0.0.1');
    const pair = [inner, outer] as const;
    this.#pairs.add(pair);
    const end = (): void => {
      this.#pairs.delete(pair);
      inner.destroy();
      outer.destroy();
    };
    for (const socket of pair) socket.on('error', end).on('close', end);
    inner.pipe(outer);
    outer.pipe(inner);
    if (this.#state === 'held') for (const socket of pair) socket.pause();
  }
}
