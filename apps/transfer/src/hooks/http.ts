import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HookSettings } from '../config.js';
import { HookFailed, HookSecretMissing, HookTimedOut, HookUnavailable, HookUnreachable } from './errors.js';
import { printable } from './text.js';

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
const READ = 4096;
/** Characters of a failed one that are told. */
const TOLD = 500;
const MOST_REDIRECTS = 5;

/**
 * Sends the JSON to the hook's address.
 *
 * @returns the begin of the answer
 * @throws HookUnavailable, HookUnreachable, HookFailed (any answer but 2xx), HookTimedOut, HookSecretMissing; the
 *   signal's reason
 */
export async function callHttp(
  hook: HttpHook,
  payload: object,
  settings: HookSettings,
  signal: AbortSignal,
): Promise<string> {
  const first = new URL(hook.run.url);
  if (first.username !== '' || first.password !== '')
    throw new HookUnavailable(hook.name, 'its URL bears a password; use a secret');
  const token = await tokenOf(hook, settings.secretsFolder);
  const limit = AbortSignal.timeout(hook.timeLimitMs);
  try {
    const { status, text } = await send(hook, first, payload, token, AbortSignal.any([signal, limit]));
    const said = token === undefined ? text : text.replaceAll(token, '…');
    if (status >= 200 && status < 300) return said;
    throw new HookFailed(hook.name, `was answered with ${status}`, said.slice(0, TOLD).toWellFormed());
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

/** Goes along with redirects that keep the method, within the origin: nobody else gets the token. */
async function send(
  { name, run }: HttpHook,
  first: URL,
  payload: object,
  token: string | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  let url = first;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
    const response = await fetch(url, {
      method: run.method,
      body: JSON.stringify(payload),
      redirect: 'manual',
      signal,
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
    });
    const location = response.headers.get('location');
    if (![307, 308].includes(response.status) || location === null)
      return { status: response.status, text: await beginOf(response) };
    await response.body?.cancel();
    url = new URL(location, url);
    if (url.origin !== first.origin)
      throw new HookFailed(name, `was answered with ${response.status}`, 'a redirect to another origin');
  }
  throw new HookFailed(name, 'was redirected', `more than ${MOST_REDIRECTS} times`);
}

/** However much there is: an answer is not ours to bound. */
async function beginOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    parts.push(part);
    length += part.length;
    if (length >= READ) break;
  }
  return printable(Buffer.concat(parts).subarray(0, READ));
}

/** As Kubernetes mounts a secret: a folder of its name, with a file for each key. */
async function tokenOf(
  { name, run }: HttpHook,
  secretsFolder: string | undefined,
): Promise<string | undefined> {
  if (run.secret === undefined) return undefined;
  const secret = run.secret.name;
  if (secretsFolder === undefined)
    throw new HookSecretMissing(name, secret, 'LEDGERLIFT_SECRETS_DIR, which is not set');
  const path = join(secretsFolder, secret, 'token');
  const token = (await readFile(path, 'utf8').catch(() => '')).trim();
  if (token === '') throw new HookSecretMissing(name, secret, path);
  return token;
}

/** The cause says why, such as ECONNREFUSED; what fetch itself says may hold the whole request. */
function reasonOf(error: unknown): string {
  const cause: unknown =
    typeof error === 'object' && error !== null && 'cause' in error ? error.cause : undefined;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : 'the connection failed';
}
