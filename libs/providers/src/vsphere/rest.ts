import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { VsphereAnswerMalformed, VsphereUnreachable } from './errors.js';
import type { VsphereSession } from './session.js';

const SILENCE_MS = 60_000;

/** The REST interface refused a request or lacks the resource. ESXi hosts have no REST interface at all. */
export class RestRefused extends Error {
  constructor(
    readonly request: string,
    readonly status: number,
    /** Error type without the common prefix, such as `already_exists`; empty if unknown. */
    readonly kind: string,
    says: string,
  ) {
    super(`${request}: HTTP ${status}${says === '' ? '' : ` (${says})`}`);
  }
}

/**
 * vCenter's REST interface, used for tags, which its SOAP interface lacks. Uses `/rest`, which exists since vCenter 6.5. Each
 * session serves one piece of work.
 */
export class VsphereRest {
  private constructor(
    private readonly session: VsphereSession,
    private readonly id: string,
    private readonly signal: AbortSignal,
  ) {}

  /**
   * Logs in, runs the work and logs out.
   *
   * @throws RestRefused; errors of a connection
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

  /** @returns the `value` of the answer @throws RestRefused; errors of a connection */
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
  if (status >= 500) throw new VsphereUnreachable(connection.server, bare, `HTTP ${status}`);
  if (status >= 400) throw refusal(`${method} ${bare}`, status, answer);
  try {
    return answer === '' ? undefined : (JSON.parse(answer) as { readonly value?: unknown }).value;
  } catch {
    throw new VsphereAnswerMalformed(connection.server, bare, `HTTP ${status}, and no JSON`);
  }
}

const Refusal = z.object({
  type: z.string().default(''),
  value: z.object({ messages: z.array(z.object({ default_message: z.string() })).default([]) }).prefault({}),
});

function refusal(request: string, status: number, answer: string): RestRefused {
  const { type, value } = Refusal.catch({ type: '', value: { messages: [] } }).parse(jsonOf(answer));
  const says = value.messages.map((each) => each.default_message).join('; ');
  return new RestRefused(request, status, type.slice(type.lastIndexOf('.') + 1), says || type);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
