import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PortTaken } from './errors.js';

export interface HealthOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** What is missing for readiness, in words; empty if ready. */
  readonly missing: () => readonly string[] | Promise<readonly string[]>;
  /**
   * `hang-up`: every other request fails as if nobody listened, because its server will take over this port. By default the
   * answer is 404.
   */
  readonly others?: 'hang-up';
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves `/health/live`, which returns 200 while the process responds at all, and `/health/ready`, which returns 200 if nothing
 * is missing, else 503 with the list.
 * @throws PortTaken
 */
export async function startHealth({ host, port, missing, others }: HealthOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(JSON.stringify(body));
    };
    if (request.url === '/health/live') answer(200, { status: 'live' });
    else if (request.url === '/health/ready') {
      Promise.resolve()
        .then(missing)
        .then((what) =>
          what.length === 0
            ? answer(200, { status: 'ready' })
            : answer(503, { status: 'waiting', missing: what }),
        )
        .catch(() => answer(503, { status: 'waiting', missing: ['the check itself failed'] }));
    } else if (others === 'hang-up') request.socket.destroy();
    else answer(404, { status: 'unknown', paths: ['/health/live', '/health/ready'] });
  });
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    throw new PortTaken(host, port, error);
  }
  return {
    // A TCP server that listens has an address with a port.
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
