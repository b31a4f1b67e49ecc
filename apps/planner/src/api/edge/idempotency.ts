import { createHash } from 'node:crypto';
import { IdempotencyKey } from '@ledgerlift/contracts';
import type { StoredEvent } from '@ledgerlift/event-log';
import { BadIdempotencyKey } from './errors.js';

/** An earlier request with this key. */
export interface Remembered {
  readonly digest: string;
  /** Streams in which it left events. */
  readonly streams: ReadonlySet<string>;
}

/** The most requests without events that are remembered. Running such a request again would change nothing. */
const EVENTLESS = 10_000;

/**
 * Requests that were carried out, by key. Built from the log: `idempotencyKey` of an event names the request that led to it, as
 * `{key}#{digest of the request}`.
 */
export class IdempotencyIndex {
  readonly #known = new Map<string, { readonly digest: string; readonly streams: Set<string> }>();
  readonly #eventless = new Map<string, string>();

  apply(event: StoredEvent): void {
    // A start has been carried out only once MigrationStarted is in the log. The VMs recorded before it do not count.
    if (event.idempotencyKey === undefined || event.type === 'VmMigrationPlanned') return;
    const cut = event.idempotencyKey.lastIndexOf('#');
    if (cut < 0) return;
    this.remember(event.idempotencyKey.slice(0, cut), event.idempotencyKey.slice(cut + 1), event.stream);
  }

  /** @param stream left out if the request changed nothing */
  remember(key: string, digest: string, stream?: string): void {
    const known = this.#known.get(key);
    if (stream === undefined) {
      if (known === undefined) this.#rememberEventless(key, digest);
    } else if (known === undefined) {
      this.#known.set(key, { digest, streams: new Set([stream]) });
      this.#eventless.delete(key);
    } else known.streams.add(stream);
  }

  of(key: string): Remembered | undefined {
    const digest = this.#eventless.get(key);
    return this.#known.get(key) ?? (digest === undefined ? undefined : { digest, streams: new Set() });
  }

  #rememberEventless(key: string, digest: string): void {
    this.#eventless.set(key, digest);
    const [oldest] = this.#eventless.keys();
    if (this.#eventless.size > EVENTLESS && oldest !== undefined) this.#eventless.delete(oldest);
  }
}

export const eventKey = (key: string, digest: string): string => `${key}#${digest}`;

/** @throws BadIdempotencyKey */
export function parseKey(value: string | undefined): string {
  if (value === undefined || value === '') throw new BadIdempotencyKey('is missing');
  const parsed = IdempotencyKey.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new BadIdempotencyKey(
    value.length > 255
      ? `has ${value.length} characters, and 255 are allowed`
      : 'must be printable ASCII without spaces',
  );
}

/** Digest of a request: the same over REST and NATS, and for any order of the fields. */
export function requestDigest(operation: string, params: unknown, query: unknown, body: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([operation, params, query, body ?? null], sorted))
    .digest('hex')
    .slice(0, 32);
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
