import { progressBucket, type ProgressEntry } from '@ledgerlift/contracts';
import { jetstreamManager } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import { setTimeout as delay } from 'node:timers/promises';
import type { BusLogger } from '../bus-logger.js';
import { messageOf } from '../errors.js';
import { ensureReplicas } from '../streams/ensure.js';
import { maxPayload } from '../streams/topology.js';

/** Bytes that the client adds to the value of a key. */
const HEADERS = 512;

export interface ProgressBucketOptions {
  readonly nc: NatsConnection;
  readonly logger: BusLogger;
  /** The value for a VM's key; undefined (no key) if it has not begun, or has ended. */
  readonly entryOf: (stream: string) => ProgressEntry | undefined;
  /** On how many servers the bucket is kept; see `StreamOptions`. */
  readonly replicas?: number | undefined;
  /** Minimum time between two writes of a key. */
  readonly everyMs?: number;
  /** The most keys written in that time. */
  readonly mostAtOnce?: number;
  /** Keys expire after this time without a write, so that a dead planner leaves no key that looks current. */
  readonly ttlMs?: number;
}

/**
 * Keeps a KV bucket with one key for each running VM. Not part of the history: if NATS loses the bucket, it is made again and
 * filled from the planner's state.
 */
export class ProgressBucket {
  readonly #options: ProgressBucketOptions & Required<Omit<ProgressBucketOptions, 'replicas'>>;
  readonly #stop = new AbortController();
  /** Streams whose key may be out of date, longest wait first. */
  readonly #stale = new Set<string>();
  /** Streams with a key, and when it was written, by `performance.now()`. */
  readonly #written = new Map<string, number>();
  #kv: KV | undefined;
  #running: Promise<unknown> | undefined;
  #isFailing = false;

  constructor(options: ProgressBucketOptions) {
    this.#options = { everyMs: 1000, mostAtOnce: 200, ttlMs: 10 * 60_000, ...options };
  }

  start(): void {
    this.#running = this.#run();
    void this.#watchConnection();
  }

  /** Marks a VM as changed. Cheap: the key is written later. */
  touch(stream: string): void {
    this.#stale.add(stream);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { everyMs, logger, nc } = this.#options;
    while (!signal.aborted && !nc.isClosed()) {
      try {
        await this.#writeStale();
        this.#isFailing = false;
      } catch (error) {
        // Logged once: a failing write is retried each second, and harms no migration.
        if (!this.#isFailing && !signal.aborted)
          logger.warn({ reason: messageOf(error) }, 'cannot write progress to its bucket; retrying');
        this.#isFailing = true;
        this.#openAgain();
      }
      await delay(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #writeStale(): Promise<void> {
    const { ttlMs } = this.#options;
    const old = performance.now() - ttlMs / 3;
    for (const [stream, at] of this.#written) if (at < old) this.#stale.add(stream);
    this.#kv ??= await this.#open();
    const kv = this.#kv;
    const written = await Promise.allSettled(
      this.#next().map(async ([stream, entry]) => {
        await this.#write(kv, stream, entry).catch((error: unknown) => {
          this.#stale.add(stream);
          throw error;
        });
      }),
    );
    for (const one of written) if (one.status === 'rejected') throw one.reason;
  }

  /** Takes the keys to write now from the stale ones. */
  #next(): readonly (readonly [string, ProgressEntry | undefined])[] {
    const next: (readonly [string, ProgressEntry | undefined])[] = [];
    for (const stream of this.#stale) {
      if (next.length === this.#options.mostAtOnce) break;
      this.#stale.delete(stream);
      const entry = this.#options.entryOf(stream);
      if (entry !== undefined || this.#written.has(stream)) next.push([stream, entry]);
    }
    return next;
  }

  async #write(kv: KV, stream: string, entry: ProgressEntry | undefined): Promise<void> {
    const key = progressBucket.key(stream);
    if (entry === undefined) {
      await kv.delete(key);
      this.#written.delete(stream);
    } else {
      const whole = JSON.stringify(entry);
      const fits = Buffer.byteLength(whole) + HEADERS <= maxPayload(this.#options.nc);
      await kv.put(key, fits ? whole : JSON.stringify({ ...entry, items: [], message: '' }));
      this.#written.set(stream, performance.now());
    }
  }

  async #open(): Promise<KV> {
    const { nc, replicas, ttlMs } = this.#options;
    const kv = await new Kvm(nc).create(progressBucket.name, {
      history: 1,
      ttl: ttlMs,
      ...(replicas === undefined ? {} : { replicas }),
      description: 'Ledgerlift: VMs that are under way',
    });
    if (replicas !== undefined) await ensureReplicas(nc, (await kv.status()).streamInfo.config, replicas);
    // Keys of an earlier planner are updated, too.
    for (const key of await keysOf(nc)) {
      const stream = progressBucket.stream(key);
      this.#written.set(stream, performance.now());
      this.#stale.add(stream);
    }
    return kv;
  }

  /** Writes all keys again, because the bucket may be gone or have lost keys. */
  #openAgain(): void {
    this.#kv = undefined;
    for (const stream of this.#written.keys()) this.#stale.add(stream);
  }

  async #watchConnection(): Promise<void> {
    for await (const status of this.#options.nc.status()) {
      if (status.type === 'reconnect') this.#openAgain();
    }
  }
}

/**
 * The keys of the bucket, deleted ones included. One request: the client's `keys()` watches the bucket, and never ends if a
 * key is written again while it begins (seen with @nats-io/kv 3.4).
 */
export async function keysOf(nc: NatsConnection): Promise<readonly string[]> {
  const prefix = `$KV.${progressBucket.name}.`;
  const manager = await jetstreamManager(nc);
  const { state } = await manager.streams.info(`KV_${progressBucket.name}`, {
    subjects_filter: `${prefix}>`,
  });
  return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
}
