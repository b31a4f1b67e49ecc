import { text } from 'node:stream/consumers';
import { VsphereAnswerMalformed, VsphereUnreachable } from './errors.js';
import type { VsphereSession } from './session.js';

const SILENCE_MS = 60_000;

/** Something that the REST interface does not have: on an ESXi host, all of it. */
export class NotOffered extends Error {}

/**
 * vCenter's REST interface, for what its SOAP interface lacks: tags. Under `/rest`, which vCenter has had since 6.5.
 * A session of its own, for one reading.
 */
export class VsphereRest {
  private constructor(
    private readonly session: VsphereSession,
    private readonly id: string,
    private readonly signal: AbortSignal,
  ) {}

  /**
   * Logs in, and out when the work is done.
   *
   * @throws NotOffered where there is no such interface; what a connection throws
   */
  static async within<T>(
    session: VsphereSession,
    signal: AbortSignal,
    work: (rest: VsphereRest) => Promise<T>,
  ): Promise<T> {
    const { user, password } = await session.credentials();
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const id = await exchange(session, 'POST', SESSION, { authorization }, undefined, signal);
    const rest = new VsphereRest(session, String(id), signal);
    try {
      return await work(rest);
    } finally {
      const ending = new VsphereRest(session, String(id), AbortSignal.timeout(5000));
      await ending.ask('DELETE', SESSION).catch(() => undefined);
    }
  }

  /** @returns what the answer calls its value */
  ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    return exchange(this.session, method, path, { 'vmware-api-session-id': this.id }, body, this.signal);
  }
}

const SESSION = '/rest/com/vmware/cis/session';

async function exchange(
  { connection, url }: VsphereSession,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  headers: Readonly<Record<string, string>>,
  body: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  const response = await connection.exchange({
    method,
    url: new URL(path, url),
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal,
    silenceMs: SILENCE_MS,
  });
  const status = response.statusCode ?? 0;
  const answer = await text(response).catch((error: unknown) => {
    throw connection.failureOf(path, error);
  });
  const [bare = path] = path.split('?');
  if ([401, 403, 404, 405].includes(status)) throw new NotOffered(`${bare}: HTTP ${status}`);
  if (status >= 500) throw new VsphereUnreachable(connection.server, bare, `HTTP ${status}`);
  try {
    return answer === '' ? undefined : (JSON.parse(answer) as { readonly value?: unknown }).value;
  } catch {
    throw new VsphereAnswerMalformed(connection.server, bare, `HTTP ${status}, and no JSON`);
  }
}
