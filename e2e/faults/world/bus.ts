import { setTimeout as delay } from 'node:timers/promises';
import { NatsCluster, type NatsServer, startNats, TcpProxy } from '@ledgerlift/testing';

export const BUSES = ['server', 'cluster'] as const;
export type BusKind = (typeof BUSES)[number];

/** NATS, one server or a cluster, to which each service has connections of its own that can be cut. */
export class Bus implements AsyncDisposable {
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly nodes: readonly NatsServer[],
    private readonly cluster: NatsCluster | undefined,
  ) {}

  static async start(kind: BusKind): Promise<Bus> {
    if (kind === 'server') return new Bus([await startNats()], undefined);
    const cluster = await NatsCluster.start();
    return new Bus(cluster.nodes, cluster);
  }

  /** For who judges, without a proxy. */
  get url(): string {
    return this.nodes.map(({ url }) => url).join(',');
  }

  /** More environment of the planner. */
  get settings(): Readonly<Record<string, string>> {
    return this.cluster === undefined ? {} : { LEDGERLIFT_NATS_REPLICAS: String(this.nodes.length) };
  }

  async proxies(): Promise<ServiceProxies> {
    return new ServiceProxies(await Promise.all(this.nodes.map(({ port }) => TcpProxy.to(port))));
  }

  restart = (n: number): Promise<void> => this.#toNode(n, (node) => node.restart());
  wipe = (n: number): Promise<void> => this.#toNode(n, (node) => node.wipeAndRestart());
  stopped = (n: number, forMs: number): Promise<void> =>
    this.#toNode(n, async (node) => {
      await node.pause();
      await delay(forMs);
      node.resume();
    });
  /** Cuts a node off from the other nodes. One server has nobody to be cut off from: it stops instead. */
  partitioned = (n: number, forMs: number): Promise<void> =>
    this.cluster === undefined
      ? this.stopped(n, forMs)
      : this.#toNode(n, (_, number) => this.cluster?.partition(number, forMs) ?? Promise.resolve());

  killedAll = (forMs: number): Promise<void> =>
    this.#inTurn(async () => {
      await Promise.all(this.nodes.map((node) => node.kill()));
      await delay(forMs);
      await Promise.all(this.nodes.map((node) => node.restart()));
      await this.cluster?.healthy();
    });

  /** Everything runs. */
  async heal(): Promise<void> {
    for (const node of this.nodes) node.resume();
    await this.#inTurn(async () => {
      for (const node of this.nodes) if (!node.process.alive) await node.restart();
      await this.cluster?.healthy();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (this.cluster?.stop() ?? this.nodes[0]?.stop());
  }

  /** One node at a time: a cluster of three loses nothing with that, once the last one has caught up again. */
  #toNode(n: number, work: (node: NatsServer, number: number) => Promise<void>): Promise<void> {
    const number = n % this.nodes.length;
    const node = this.nodes[number];
    return this.#inTurn(async () => {
      if (node === undefined) return;
      await work(node, number);
      await this.cluster?.healthy();
    });
  }

  /** What is done to processes without a supervisor is done one after the other. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

/** The connections of one service to every server. */
export class ServiceProxies implements AsyncDisposable {
  constructor(private readonly proxies: readonly TcpProxy[]) {}

  get url(): string {
    return this.proxies.map(({ port }) => `nats://127.0.0.1:${port}`).join(',');
  }

  cut = (): void => this.proxies.forEach((proxy) => proxy.cut());
  hold = (): void => this.proxies.forEach((proxy) => proxy.hold());
  pass = (): void => this.proxies.forEach((proxy) => proxy.pass());

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
  }
}
