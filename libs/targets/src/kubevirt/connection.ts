import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { ClusterCredentials } from './access.js';
import { type ApiResource, type ObjectAddress, type Verb, pathOf } from './addresses.js';
import { type Asked, errorOf, failureOf, requestOf } from './answers.js';
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
  /** Of the body; by default JSON. */
  readonly contentType?: 'application/json' | 'application/merge-patch+json' | 'application/apply-patch+yaml';
  readonly signal: AbortSignal;
}

export interface ConnectionOptions {
  /** How long the API server may be silent; by default a minute. A watch is silent for longer: `open` has its own. */
  readonly silenceMs?: number;
  /** How long one request waits, in all, while the API server asks for patience; by default a minute. */
  readonly patienceMs?: number;
}

/** Who last changed a field is remembered under this name, and server-side apply goes by it. */
export const FIELD_MANAGER = 'ledgerlift';
const IDLE_MS = 120_000;
/** Credentials may be replaced while a request is under way, but not for ever. */
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
 * HTTPS to one API server. Connections are kept open, and used again. Every write is strict: a field that the cluster does not
 * know is an error, where the server's default would drop it in silence
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation).
 */
export class KubernetesConnection {
  readonly #readCredentials: () => Promise<ClusterCredentials>;
  readonly #silenceMs: number;
  readonly #patienceMs: number;
  #login: Promise<Login> | undefined;

  /** @param readCredentials the credentials as they are now: called at the first request, and when they are no longer accepted */
  constructor(readCredentials: () => Promise<ClusterCredentials>, options: ConnectionOptions = {}) {
    this.#readCredentials = readCredentials;
    this.#silenceMs = options.silenceMs ?? 60_000;
    this.#patienceMs = options.patienceMs ?? 60_000;
  }

  /**
   * Sends a request, and reads the whole answer. Waits as the API server asks while it is overloaded.
   *
   * @returns the JSON of the answer, to be parsed
   * @throws the errors of this room; SecretMissing; the signal's reason once aborted
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

  /** As `call`, and parses the answer. @throws also KubernetesAnswerMalformed */
  async read<T>(asked: ApiRequest, schema: z.ZodType<T>): Promise<T> {
    const { success, data, error } = schema.safeParse(await this.call(asked));
    if (success) return data;
    const about = await this.#about(asked);
    throw new KubernetesAnswerMalformed(about.server, requestOf(about), z.prettifyError(error));
  }

  /**
   * Sends a request. Its answer, of a status below 400, is the caller's to read: for watches and logs, which do not end.
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
      if (status !== 429) throw errorOf(about, status, said);
      const waitMs = retryAfterMs(response);
      const waitedMs = performance.now() - began;
      if (waitedMs + waitMs > this.#patienceMs)
        throw new KubernetesTooManyRequests(login.server, requestOf(about), waitedMs);
      await delay(waitMs, undefined, { signal: asked.signal }).catch(() => {
        asked.signal.throwIfAborted();
      });
    }
  }

  /** Closes what is open. It can be used again afterwards. */
  async close(): Promise<void> {
    const login = this.#login;
    this.#login = undefined;
    (await login?.catch(() => undefined))?.close();
  }

  #current(): Promise<Login> {
    this.#login ??= this.#readCredentials().then((credentials) => new Login(credentials));
    const login = this.#login;
    login.catch(() => {
      // What could not be read is read again at the next request.
      if (this.#login === login) this.#login = undefined;
    });
    return login;
  }

  /** Reads the credentials again. @returns whether others are there now than those that were refused */
  async #renew(refused: Login): Promise<boolean> {
    // Others may be at work over the old one's connections, which end by themselves.
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
      // A kept connection that the server had closed already: nothing was done. Only reads are sure of that.
      if (!WRITES.has(verb) && METHODS[verb] === 'GET' && isStale(error))
        return exchange(login, asked, silenceMs, about).catch((again: unknown) => {
          signal.throwIfAborted();
          throw failureOf(about, again);
        });
      throw failureOf(about, error);
    }
  }
}

/** Credentials in use, with their connections: watches, which hold one each, are not counted with those of short requests. */
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

  /** What a server says, though it repeat what it was sent. */
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
 * What the API server asks for, one second where it says nothing, and up to half as much again: those who were refused together
 * should not come back together.
 */
function retryAfterMs({ headers }: IncomingMessage): number {
  const seconds = Number(headers['retry-after'] ?? '1');
  const askedMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 1000;
  return askedMs * (1 + Math.random() / 2);
}
