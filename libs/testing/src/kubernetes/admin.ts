import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { Authority, CertifiedKey } from './authority.js';

/** What an API server answered to a request that it refused. */
export class KubernetesRefused extends Error {
  constructor(
    readonly status: number,
    /** Of its Status object, such as `Invalid` or `BadRequest`. */
    readonly reason: string | undefined,
    message: string,
  ) {
    super(`${status} ${reason ?? ''}: ${message}`);
    this.name = 'KubernetesRefused';
  }
}

export interface AdminCall {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Text is sent as it is, such as YAML. */
  readonly body?: unknown;
  /** By default JSON, of a PATCH a merge patch. */
  readonly contentType?: string;
}

/** Somebody who may do everything, by a client certificate: for what a test prepares and for what it looks at. */
export class KubernetesAdmin {
  readonly #url: string;
  readonly #tls: { readonly ca: string; readonly cert: string; readonly key: string };

  private constructor(
    url: string,
    tls: { readonly ca: string; readonly cert: string; readonly key: string },
  ) {
    this.#url = url;
    this.#tls = tls;
  }

  /** @param url of the API server, `https://127.0.0.1:PORT` */
  static async of(
    url: string,
    authority: Authority,
    { certificate, key }: CertifiedKey,
  ): Promise<KubernetesAdmin> {
    return new KubernetesAdmin(url, {
      ca: await authority.pem(),
      cert: await readFile(certificate, 'utf8'),
      key: await readFile(key, 'utf8'),
    });
  }

  /** PEM of its certificate and key, for a kubeconfig. */
  get credentials(): { readonly ca: string; readonly cert: string; readonly key: string } {
    return this.#tls;
  }

  /** @throws KubernetesRefused for a status from 400 on, and what Node throws where nobody listens */
  async call<T = unknown>(path: string, { method = 'GET', body, contentType }: AdminCall = {}): Promise<T> {
    const type = contentType ?? (method === 'PATCH' ? 'application/merge-patch+json' : 'application/json');
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(
        `${this.#url}${path}`,
        { ...this.#tls, method, agent: false, headers: { 'content-type': type } },
        resolve,
      );
      sent.on('error', reject);
      sent.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
    });
    const answer = await text(response);
    const status = response.statusCode ?? 0;
    // The log of a pod is text, also where its lines are JSON.
    const isJson = response.headers['content-type']?.startsWith('application/json') === true;
    if (status < 400) return (isJson ? JSON.parse(answer) : answer) as T;
    const told = (isJson ? JSON.parse(answer) : { message: answer }) as {
      readonly reason?: string;
      readonly message?: string;
    };
    throw new KubernetesRefused(status, told.reason, told.message ?? answer);
  }

  create<T = unknown>(path: string, body: unknown): Promise<T> {
    return this.call<T>(path, { method: 'POST', body });
  }

  /** A merge patch. */
  patch<T = unknown>(path: string, body: unknown): Promise<T> {
    return this.call<T>(path, { method: 'PATCH', body });
  }

  async remove(path: string): Promise<void> {
    await this.call(path, { method: 'DELETE' });
  }

  /**
   * Makes a service account with a token that the API server itself issued.
   *
   * @param expirationSeconds how long the token is good for; by default an hour
   * @returns the token
   */
  async serviceAccount(namespace: string, name: string, expirationSeconds = 3600): Promise<string> {
    const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await this.create(accounts, { metadata: { name } });
    const issued = await this.create<{ readonly status: { readonly token: string } }>(
      `${accounts}/${name}/token`,
      { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds } },
    );
    return issued.status.token;
  }
}

/** Status of a GET without credentials, whatever it is. @throws what Node throws where nobody listens */
export async function httpsStatus(url: string, ca: string): Promise<number> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { ca, agent: false }, resolve).on('error', reject).end();
  });
  response.resume();
  return response.statusCode ?? 0;
}
