import { setTimeout as delay } from 'node:timers/promises';
import { freePort, TcpProxy } from '../processes/index.js';
import { HANGS_MS, until } from '../until.js';
import { type NatsServer, type NodeOfCluster, startNats } from './nats-server.js';
import type { NatsVersion } from './nats-binaries.js';

const SIZE = 3;

/**
 * Three nats-servers with JetStream that keep streams together. Connections between them go through proxies, so that
 * a node can be cut off from the others while its clients stay connected.
 */
export class NatsCluster implements AsyncDisposable {
  private constructor(
    readonly nodes: readonly NatsServer[],
    /** The proxies of the connections between a node and the others, by the node's number. */
    private readonly links: ReadonlyMap<number, readonly TcpProxy[]>,
    private readonly proxies: readonly TcpProxy[],
  ) {}

  /** Starts the nodes and waits until they have a leader. @throws PeerMissing, PeerFailed */
  static async start(version?: NatsVersion): Promise<NatsCluster> {
    const numbers = Array.from({ length: SIZE }, (_, n) => n);
    const ports = await Promise.all(numbers.map(() => freePort()));
    const proxies: TcpProxy[] = [];
    const links = new Map<number, TcpProxy[]>(numbers.map((n) => [n, []]));
    const routes = new Map<number, number[]>(numbers.map((n) => [n, []]));
    for (const from of numbers)
      for (const to of numbers) {
        if (from === to) continue;
        const proxy = await TcpProxy.to(ports[to] ?? 0);
        proxies.push(proxy);
        for (const end of [from, to]) links.get(end)?.push(proxy);
        routes.get(from)?.push(proxy.port);
      }
    const nodes = await Promise.all(
      numbers.map((n) => {
        const node: NodeOfCluster = { name: `node-${n}`, port: ports[n] ?? 0, routes: routes.get(n) ?? [] };
        return startNats({ cluster: node, ...(version === undefined ? {} : { version }) });
      }),
    );
    const cluster = new NatsCluster(nodes, links, proxies);
    await cluster.healthy();
    return cluster;
  }

  /** The URLs of all nodes, as a service takes them. */
  get url(): string {
    return this.nodes.map(({ url }) => url).join(',');
  }

  /** Resolves when every node runs, sees a leader, and has all that was stored. */
  async healthy(): Promise<void> {
    await until('a healthy cluster of nats-servers', async () =>
      (await Promise.all(this.nodes.map(isHealthy))).every(Boolean),
    );
  }

  /** Cuts a node off from the others, then heals the network. */
  async partition(n: number, forMs: number): Promise<void> {
    const links = this.links.get(n) ?? [];
    for (const link of links) link.cut();
    await delay(forMs);
    for (const link of links) link.pass();
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    await Promise.all(this.proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

async function isHealthy({ monitoringUrl }: NatsServer): Promise<boolean> {
  const answer = await fetch(`${monitoringUrl}/healthz`, { signal: AbortSignal.timeout(HANGS_MS) }).catch(
    () => undefined,
  );
  await answer?.body?.cancel();
  return answer?.ok === true;
}
