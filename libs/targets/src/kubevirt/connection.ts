import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { ClusterCredentials } from './access.js';
import { type ApiResource, type ObjectAddress, type Verb, pathOf } from './resources.js';
import { type Asked, errorOf, failureOf, isOfStart, requestOf } from './answers.js';
import {
  KubernetesAnswerMalformed,
  KubernetesLoginRefused,
  KubernetesTooManyRequests,
  KubernetesUnreachable,
} from './errors.js';

/** One request for objects of a kind. */
export interface ApiRequest {
  readonly verb: Verb;
  readonly kind: ApiResource;
  readonly address?: ObjectAddress;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Content type of the body; JSON by default. */
  readonly contentType?: 'application/json' | 'application/merge-patch+json' | 'application/apply-patch+yaml';
  readonly signal: AbortSignal;
}

export interface ConnectionOptions {
  /** How long the API server may be silent; a minute by default. Watches are silent for longer, so `open` has its own limit. */
  readonly silenceMs?: number;
  /** Total time that a request waits while the API server asks it to retry later; a minute by default. */
  readonly patienceMs?: number;
  /** How long to retry a refusal that a server which has just started may also give; 0 by default. */
  readonly refusedMs?: number;
}

/** The name under which server-side apply records the fields that we own. */
export const FIELD_MANAGER = 'ledgerlift';
const IDLE_MS = 120_000;
const REFUSED_AGAIN_MS = 500;
/** How often one request may pick up replaced credentials. */
const RENEWALS = 2;
const METHODS: Readonly<Record<Verb, string>> = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};
const WRITES: ReadonlySet<Verb> = new Set(['create', 'update', 'patch']);

/**
 * HTTPS connections to one API server, kept open and reused. Every write is strict: an unknown field is an error, which the server
 * would drop silently by default
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation).
 */
export class KubernetesConnection {
  readonly #readCredentials: () => Promise<ClusterCredentials>;
  readonly #silenceMs: number;
  readonly #patienceMs: number;
  readonly #refusedMs: number;
  #login: Promise<Login> | undefined;

  /** @param readCredentials reads the current credentials; called at the first request, and when they are no longer accepted */
  constructor(readCredentials: () => Promise<ClusterCredentials>, options: ConnectionOptions = {}) {
    this.#readCredentials = readCredentials;
    this.#silenceMs = options.silenceMs ?? 60_000;
    this.#patienceMs = options.patienceMs ?? 60_000;
    this.#refusedMs = options.refusedMs ?? 0;
  }

  /**
   * Sends a request and reads the whole answer. Waits and retries while the API server is overloaded.
   *
   * @returns the answer's JSON, not yet validated
   * @throws the errors in `errors.ts`; SecretMissing; the signal's reason if aborted
   */
  async call(asked: ApiRequest): Promise<unknown> {
    const response = await this.open(asked, this.#silenceMs);
    const about = await this.#about(asked);
    try {
      return JSON.parse(await text(response)) as unknown;
    } catch (error) {
      asked.signal.throwIfAborted();
      if (error instanceof SyntaxError)
        throw new KubernetesAnswerMalformed(about.server, requestOf(about), 'it is not JSON');
      throw failureOf(about, error);
    }
  }

  /** Like `call`, and validates the answer. @throws also KubernetesAnswerMalformed */
  async read<T>(asked: ApiRequest, schema: z.ZodType<T>): Promise<T> {
    const { success, data, error } = schema.safeParse(await this.call(asked));
    if (success) return data;
    const about = await this.#about(asked);
    throw new KubernetesAnswerMalformed(about.server, requestOf(about), z.prettifyError(error));
  }

  /**
   * Sends a request, with retries while the server is overloaded or may have just started. Returns the answer (status below 400)
   * as a stream for the caller to read: for watches and logs, which do not end.
   *
   * @param silenceMs how long the server may be silent
   * @throws as `call`
   */
  async open(asked: ApiRequest, silenceMs: number): Promise<IncomingMessage> {
    const began = performance.now();
    for (let renewals = 0; ;) {
      const login = await this.#current();
      const response = await this.#send(login, asked, silenceMs);
      const status = response.statusCode ?? 0;
      if (status < 400) return response;
      const about = await this.#about(asked);
      const said = login.withoutSecrets(await text(response).catch(() => ''));
      if (status === 401) {
        renewals += 1;
        if (renewals > RENEWALS || !(await this.#renew(login)))
          throw new KubernetesLoginRefused(login.server, login.from);
        continue;
      }
      const waitedMs = performance.now() - began;
      const waitMs = status === 429 ? retryAfterMs(response) : REFUSED_AGAIN_MS;
      if (status === 429) {
        if (waitedMs + waitMs > this.#patienceMs)
          throw new KubernetesTooManyRequests(login.server, requestOf(about), waitedMs);
      } else {
        const error = errorOf(about, status, said);
        if (!isOfStart(error) || waitedMs + waitMs > this.#refusedMs) throw error;
      }
      await delay(waitMs, undefined, { signal: asked.signal }).catch(() => {
        asked.signal.throwIfAborted();
      });
    }
  }

  /** Closes open connections. The object can be used again. */
  async close(): Promise<void> {
    const login = this.#login;
    this.#login = undefined;
    (await login?.catch(() => undefined))?.close();
  }

  #current(): Promise<Login> {
    this.#login ??= this.#readCredentials().then((credentials) => new Login(credentials));
    const login = this.#login;
    login.catch(() => {
      // If the credentials could not be read, the next request tries again.
      if (this.#login === login) this.#login = undefined;
    });
    return login;
  }

  /** Reads the credentials again. @returns whether they differ from the refused ones */
  async #renew(refused: Login): Promise<boolean> {
    // Do not close the old connections: other requests may still use them, and they end by themselves.
    if ((await this.#login) === refused) this.#login = undefined;
    return !(await this.#current()).isSameAs(refused);
  }

  async #about({ verb, kind, address = {} }: ApiRequest): Promise<Asked> {
    return { server: (await this.#current()).server, verb, kind, address };
  }

  async #send(login: Login, asked: ApiRequest, silenceMs: number): Promise<IncomingMessage> {
    const { verb, kind, address = {}, signal } = asked;
    signal.throwIfAborted();
    const about = { server: login.server, verb, kind, address };
    try {
      return await exchange(login, asked, silenceMs, about);
    } catch (error) {
      signal.throwIfAborted();
      // The server had already closed a reused connection. Retry only reads: a write may have taken effect.
      if (!WRITES.has(verb) && METHODS[verb] === 'GET' && isStale(error))
        return exchange(login, asked, silenceMs, about).catch((again: unknown) => {
          signal.throwIfAborted();
          throw failureOf(about, again);
        });
      throw failureOf(about, error);
    }
  }
}

/** Credentials in use, with their connections. Watches, which hold one each, do not count against the limit of short requests. */
class Login {
  readonly agent: Agent;
  readonly watches: Agent;
  readonly #credentials: ClusterCredentials;

  constructor(credentials: ClusterCredentials) {
    this.#credentials = credentials;
    const { ca, clientCertificate, serverName } = credentials;
    const host = new URL(credentials.server).hostname;
    const name = serverName ?? (isIP(host.replace(/^\[|\]$/g, '')) === 0 ? host : undefined);
    const tls = {
      ...(ca === undefined ? {} : { ca }),
      ...clientCertificate,
      ...(name === undefined ? {} : { servername: name }),
    };
    this.agent = new Agent({ keepAlive: true, maxSockets: 32, timeout: IDLE_MS, ...tls });
    this.watches = new Agent(tls);
  }

  close(): void {
    this.agent.destroy();
    this.watches.destroy();
  }

  get server(): string {
    return this.#credentials.server;
  }

  get from(): string {
    return this.#credentials.from;
  }

  get headers(): Readonly<Record<string, string>> {
    const { token } = this.#credentials;
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  isSameAs(other: Login): boolean {
    return JSON.stringify(this.#credentials) === JSON.stringify(other.#credentials);
  }

  /** Removes our secrets from a server's text, which may echo them. */
  withoutSecrets(said: string): string {
    const { token, clientCertificate } = this.#credentials;
    return [token, clientCertificate?.key]
      .filter((secret) => secret !== undefined)
      .reduce((rest, secret) => rest.replaceAll(secret, '(secret)'), said);
  }
}

function exchange(
  login: Login,
  { verb, kind, address, query, body, contentType = 'application/json', signal }: ApiRequest,
  silenceMs: number,
  about: Asked,
): Promise<IncomingMessage> {
  const parameters = new URLSearchParams({
    ...query,
    ...(verb === 'watch' ? { watch: 'true' } : {}),
    ...(WRITES.has(verb) ? { fieldManager: FIELD_MANAGER, fieldValidation: 'Strict' } : {}),
  });
  const search = parameters.size === 0 ? '' : `?${parameters.toString()}`;
  const sent = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const call = request(
      `${login.server}${pathOf(kind, address)}${search}`,
      {
        method: METHODS[verb],
        agent: verb === 'watch' ? login.watches : login.agent,
        signal,
        headers: {
          accept: 'application/json',
          'user-agent': FIELD_MANAGER,
          ...(sent === undefined
            ? {}
            : { 'content-type': contentType, 'content-length': String(sent.length) }),
          ...login.headers,
        },
      },
      resolve,
    );
    call.setTimeout(silenceMs, () => {
      call.destroy(
        new KubernetesUnreachable(login.server, requestOf(about), `it was silent for ${silenceMs} ms`),
      );
    });
    call.once('error', (error) => {
      reject(Object.assign(error, { isReused: call.reusedSocket }));
    });
    call.end(sent);
  });
}

const isStale = (error: unknown): boolean => {
  const { code, isReused } = error as { readonly code?: unknown; readonly isReused?: unknown };
  return isReused === true && (code === 'ECONNRESET' || code === 'EPIPE');
};

/**
 * Returns the wait that the API server asks for, 1 s by default, plus up to half as much again, so that requests refused together
 * do not return together.
 */
function retryAfterMs({ headers }: IncomingMessage): number {
  const seconds = Number(headers['retry-after'] ?? '1');
  const askedMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 1000;
  return askedMs * (1 + Math.random() / 2);
}
