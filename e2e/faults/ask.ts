import { randomUUID } from 'node:crypto';
import {
  API_BASE,
  type ApiOperation,
  type ApiOperationName,
  type ApiOutput,
  apiOperations,
} from '@ledgerlift/contracts';

/** An answer, a refusal with its code, or none at all: the planner is dead, stopped, or cut off. */
export type Asked<N extends ApiOperationName> =
  | { readonly kind: 'done'; readonly out: ApiOutput<N> }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'silent' };

const PATIENCE_MS = 4000;

/** Asks once: what is to become of a request that nobody answers is the run's to decide. */
export async function ask<N extends ApiOperationName>(
  url: string,
  name: N,
  params: Readonly<Record<string, string | number>> = {},
  body?: unknown,
  user = 'faults',
): Promise<Asked<N>> {
  const operation: ApiOperation = apiOperations[name];
  const path = operation.path.replaceAll(/:(\w+)/g, (_, field: string) => String(params[field] ?? ''));
  const content = body ?? (operation.body && {});
  try {
    const response = await fetch(`${url}${API_BASE}${path}`, {
      method: operation.method,
      headers: {
        'Content-Type': 'application/json',
        'Idempotency-Key': randomUUID(),
        'Ledgerlift-User': user,
      },
      ...(content === undefined ? {} : { body: JSON.stringify(content) }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const answer: unknown = await response.json();
    if (response.status >= 500) return { kind: 'silent' };
    if (!response.ok) return { kind: 'refused', why: JSON.stringify(answer) };
    return { kind: 'done', out: operation.out.parse(answer) as ApiOutput<N> };
  } catch {
    return { kind: 'silent' };
  }
}

/** Asks until there is an answer. @throws where there is none in time */
export async function askUntil<N extends ApiOperationName>(
  url: string,
  name: N,
  params: Readonly<Record<string, string | number>> = {},
  body?: unknown,
): Promise<Exclude<Asked<N>, { kind: 'silent' }>> {
  for (const deadline = Date.now() + 60_000; ;) {
    const asked = await ask(url, name, params, body);
    if (asked.kind !== 'silent') return asked;
    if (Date.now() > deadline) throw new Error(`nobody answered ${name} for a minute`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
