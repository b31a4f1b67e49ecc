import { HANGS_MS } from '@ledgerlift/testing';
import { randomUUID } from 'node:crypto';
import {
  API_BASE,
  type ApiOperation,
  type ApiOperationName,
  type ApiOutput,
  apiOperations,
} from '@ledgerlift/contracts';

export interface CallInput {
  readonly params?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, string | number>>;
  readonly body?: unknown;
  /** Who asks. */
  readonly as?: string;
}

/** A planner of several that hangs keeps a connection open. */
const NEXT_MS = 10_000;

/**
 * Calls the planner's public API, again for as long as the planner is away, always with the same key.
 * @param url of the planner; of several, the one that leads answers
 */
export async function call<N extends ApiOperationName>(
  url: string | readonly string[],
  name: N,
  input: CallInput = {},
): Promise<ApiOutput<N>> {
  const operation: ApiOperation = apiOperations[name];
  const { params = {}, query = {} } = input;
  const path = operation.path.replaceAll(/:(\w+)/g, (_, field: string) => String(params[field] ?? ''));
  const search = new URLSearchParams(
    Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]),
  );
  const urls = typeof url === 'string' ? [url] : url;
  const body = input.body ?? (operation.body && {});
  const init: RequestInit = {
    method: operation.method,
    headers: {
      'Content-Type': 'application/json',
      'Idempotency-Key': randomUUID(),
      'Ledgerlift-User': input.as ?? 'e2e',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  const deadline = Date.now() + HANGS_MS;
  for (let n = 0; ; n += 1) {
    const target = `${urls[n % urls.length] ?? ''}${API_BASE}${path}?${search.toString()}`;
    const limit = urls.length > 1 ? { signal: AbortSignal.timeout(NEXT_MS) } : {};
    const response = await fetch(target, { ...init, ...limit }).catch((error: unknown) => {
      if (Date.now() > deadline) throw error;
      return undefined;
    });
    if (response === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      continue;
    }
    if (response.status === 204) return null as ApiOutput<N>;
    // The planner may be gone in the middle of its answer.
    const answer: unknown = await response.json().catch(() => undefined);
    if (answer === undefined && Date.now() < deadline) continue;
    if (!response.ok) throw new Error(`${name} was refused: ${JSON.stringify(answer)}`);
    return operation.out.parse(answer) as ApiOutput<N>;
  }
}
