import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { VsphereAnswerMalformed, VsphereUnreachable } from './errors.js';
import type { VsphereSession } from './session.js';

const SILENCE_MS = 60_000;

/** The REST interface refused a request, or has no such thing: on an ESXi host, it has none at all. */
export class RestRefused extends Error {
  constructor(
    readonly request: string,
    readonly status: number,
    /** Without what all have in common: `already_exists`; empty where it is not said. */
    readonly kind: string,
    says: string,
  ) {
    super(`${request}: HTTP ${status}${says === '' ? '' : ` (${says})`}`);
  }
}

/**
 * vCenter's REST interface, for what its SOAP interface lacks: tags. Under `/rest`, which vCenter has had since 6.5.
 * A session of its own, for one piece of work.
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
   * @throws RestRefused; what a connection throws
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

  /** @returns what the answer calls its value @throws RestRefused; what a connection throws */
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
