import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request, type Server } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { CertifiedKey } from './authority.js';

export type ApiVerb = 'read' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

/** A request as the proxy sees it. */
export interface ApiCall {
  readonly verb: ApiVerb;
  /** With its query. */
  readonly path: string;
}

/** `never`: the API server does not hear of the request; `before`: it has done what it was asked, and its answer is lost. */
type Passed = 'never' | 'before';

/** What becomes of a request instead of being passed on. */
export type ApiFault =
  | {
      readonly kind: 'answer';
      readonly status: 409 | 429 | 500 | 503;
      readonly passed: Passed;
      /** Header `Retry-After`, in seconds. */
      readonly retryAfter?: number;
    }
  /** Of a watch: what it continues from is no longer known. As an event, the answer's status is 200. */
  | { readonly kind: 'gone'; readonly as: 'status' | 'event' }
  | { readonly kind: 'reset'; readonly passed: Passed }
  /** Passed on only after a while. */
  | { readonly kind: 'stall'; readonly ms: number };

/** A fault in force, until it is disposed of. */
export interface ApiInjection extends Disposable {
  /** Requests that it has met. */
  readonly hits: number;
}

export interface ApiProxyOptions {
  /** Of the API server. */
  readonly server: string;
  /** PEM of who signed the API server's certificate. */
  readonly ca: string;
  /** Of the proxy itself, for 127.0.0.1. */
  readonly certificate: CertifiedKey;
}

interface InForce {
  readonly fault: ApiFault;
  readonly meets: (call: ApiCall) => boolean;
  hits: number;
}

/**
 * TLS in front of an API server, for clients with a token: requests are passed on as they are, watches streamed. Faults are injected
 * on demand. Client certificates end here.
 */
export class ApiServerProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #upstream: Pick<ApiProxyOptions, 'server' | 'ca'>;
  readonly #agent: Agent;
  readonly #inForce = new Set<InForce>();
  readonly #watches = new Set<ServerResponse>();

  private constructor(server: Server, upstream: Pick<ApiProxyOptions, 'server' | 'ca'>) {
    this.#server = server;
    this.#upstream = upstream;
    this.#agent = new Agent({ keepAlive: true, ca: upstream.ca });
    server.on('request', (asked: IncomingMessage, answer: ServerResponse) => {
      // The client sees a connection that broke, as it would without the proxy.
      this.#serve(asked, answer).catch(() => answer.destroy());
    });
  }

  /** Listens on a free port of 127.0.0.1. */
  static async start({ server, ca, certificate }: ApiProxyOptions): Promise<ApiServerProxy> {
    const listener = createServer({
      key: await readFile(certificate.key),
      cert: await readFile(certificate.certificate),
      // A watch is silent for longer than any default.
      requestTimeout: 0,
    });
    const proxy = new ApiServerProxy(listener, { server, ca });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return proxy;
  }

  /** For a kubeconfig. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    return `https://127.0.0.1:${address.port}`;
  }

  /** Watches that are open. */
  get watches(): number {
    return this.#watches.size;
  }

  /** Has a fault meet requests from now on. Of several in force, the oldest meets a request. */
  inject(fault: ApiFault, meets: (call: ApiCall) => boolean = () => true): ApiInjection {
    const inForce: InForce = { fault, meets, hits: 0 };
    this.#inForce.add(inForce);
    return {
      get hits() {
        return inForce.hits;
      },
      [Symbol.dispose]: () => void this.#inForce.delete(inForce),
    };
  }

  /** Breaks every open watch. @returns how many there were */
  cutWatches(): number {
    const open = [...this.#watches];
    for (const watch of open) watch.destroy();
    return open.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#agent.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const call = callOf(asked);
    const met = [...this.#inForce].find(({ meets }) => meets(call));
    if (met === undefined) return this.#pass(call, asked, answer);
    met.hits += 1;
    const { fault } = met;
    if (fault.kind === 'stall') {
      await delay(fault.ms);
      return this.#pass(call, asked, answer);
    }
    if (fault.kind === 'gone') return gone(answer, fault.as);
    if (fault.passed === 'before') await this.#done(asked);
    else asked.resume();
    if (fault.kind === 'reset') answer.destroy();
    else refuse(answer, fault.status, fault.retryAfter);
  }

  async #pass(call: ApiCall, asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const response = await this.#ask(asked, answer);
    answer.writeHead(response.statusCode ?? 502, response.headers);
    // The start of a watch is known before its first event.
    answer.flushHeaders();
    if (call.verb === 'watch') {
      this.#watches.add(answer);
      answer.once('close', () => this.#watches.delete(answer));
    }
    await pipeline(response, answer);
  }

  /** Has the API server do it, and reads the whole answer: what it was asked is certainly done. */
  async #done(asked: IncomingMessage): Promise<void> {
    await buffer(await this.#ask(asked));
  }

  /** @param answer of a client whose leaving ends the request at the API server, too */
  #ask(asked: IncomingMessage, answer?: ServerResponse): Promise<IncomingMessage> {
    const { server } = this.#upstream;
    const { host: _, ...headers } = asked.headers;
    return new Promise((resolve, reject) => {
      const passed = request(
        `${server}${asked.url ?? '/'}`,
        { method: asked.method, agent: this.#agent, headers },
        resolve,
      );
      passed.once('error', reject);
      answer?.once('close', () => passed.destroy());
      asked.once('error', reject);
      asked.pipe(passed);
    });
  }
}

const VERBS: Readonly<Record<string, ApiVerb>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

function callOf({ method = 'GET', url: path = '/' }: IncomingMessage): ApiCall {
  const isWatch = new URL(path, 'https://proxy').searchParams.get('watch') === 'true';
  return { verb: VERBS[method] ?? (isWatch ? 'watch' : 'read'), path };
}

// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
const REASONS = {
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
} as const;

const statusObject = (code: keyof typeof REASONS): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: 'injected by the proxy of a test',
  reason: REASONS[code],
  code,
});

function refuse(answer: ServerResponse, status: keyof typeof REASONS, retryAfter?: number): void {
  answer.writeHead(status, {
    'content-type': 'application/json',
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
  });
  answer.end(JSON.stringify(statusObject(status)));
}

/** An API server says it either way (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes). */
function gone(answer: ServerResponse, as: 'status' | 'event'): void {
  if (as === 'status') return refuse(answer, 410);
  answer.writeHead(200, { 'content-type': 'application/json' });
  answer.end(`${JSON.stringify({ type: 'ERROR', object: statusObject(410) })}\n`);
}
