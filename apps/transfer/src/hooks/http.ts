import { once } from 'node:events';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { readSecret } from '@ledgerlift/providers';
import type { HookSettings } from '../config.js';
import { HookFailed, HookTimedOut, HookUnavailable, HookUnreachable } from './errors.js';
import { printable } from './payload.js';

export interface HttpHook {
  readonly name: string;
  readonly run: {
    readonly url: string;
    readonly method: 'POST' | 'PUT';
    readonly secret?: { readonly name: string } | undefined;
  };
  readonly timeLimitMs: number;
}

/** Bytes of an answer that are read. */
const READ_BYTES = 4096;
/** Characters of a failed answer that go into the error. */
const ERROR_CHARACTERS = 500;
const MAX_REDIRECTS = 5;

/**
 * Sends the JSON to the hook's address.
 *
 * @returns the start of the answer
 * @throws HookUnavailable, HookUnreachable, HookFailed (any answer but 2xx), HookTimedOut, SecretMissing; the signal's
 * reason
 */
export async function callHttp(
  hook: HttpHook,
  payload: object,
  settings: HookSettings,
  signal: AbortSignal,
): Promise<string> {
  const first = new URL(hook.run.url);
  if (first.username !== '' || first.password !== '')
    throw new HookUnavailable(hook.name, 'its URL contains a password; use a secret');
  const token = await tokenOf(hook, settings.secretsFolder);
  const limit = AbortSignal.timeout(hook.timeLimitMs);
  try {
    const { status, text } = await send(hook, first, payload, token, AbortSignal.any([signal, limit]));
    const said = token === undefined ? text : text.replaceAll(token, '…');
    if (status >= 200 && status < 300) return said;
    throw new HookFailed(
      hook.name,
      `got the answer ${status}`,
      said.slice(0, ERROR_CHARACTERS).toWellFormed(),
    );
  } catch (error) {
    signal.throwIfAborted();
    if (limit.aborted) throw new HookTimedOut(hook.name, hook.timeLimitMs);
    if (error instanceof HookFailed) throw error;
    throw new HookUnreachable(hook.name, `${first.origin}${first.pathname}`, reasonOf(error));
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Follows redirects that keep the method, but only within the origin, so that no other server gets the token. */
async function send(
  { name, run }: HttpHook,
  first: URL,
  payload: object,
  token: string | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  const body = JSON.stringify(payload);
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  let url = first;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    // Not fetch: it gives up after five minutes without an answer, regardless of the hook's time limit.
    const start = url.protocol === 'https:' ? requestHttps : requestHttp;
    const request = start(url, { method: run.method, headers, signal });
    request.end(body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    // Reading the answer reports later errors.
    request.on('error', () => undefined);
    try {
      const { statusCode: status = 0 } = response;
      const { location } = response.headers;
      if (![307, 308].includes(status) || location === undefined)
        return { status, text: await startOf(response) };
      url = new URL(location, url);
      if (url.origin !== first.origin)
        throw new HookFailed(name, `got the answer ${status}`, 'a redirect to another origin');
    } finally {
      request.destroy();
    }
  }
  throw new HookFailed(name, 'was redirected', `more than ${MAX_REDIRECTS} times`);
}

/** Reads at most READ_BYTES, because an answer may be of any size. */
async function startOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part);
    length += part.length;
    if (length >= READ_BYTES) break;
  }
  return printable(Buffer.concat(parts).subarray(0, READ_BYTES));
}

async function tokenOf({ run }: HttpHook, secretsFolder: string | undefined): Promise<string | undefined> {
  if (run.secret === undefined) return undefined;
  return (await readSecret(run.secret.name, 'token', secretsFolder)).trim();
}

/** Only a code such as ECONNREFUSED, because a message may contain secrets. */
function reasonOf(error: unknown): string {
  const code: unknown =
    typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'the connection failed';
}
