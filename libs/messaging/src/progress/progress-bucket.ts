import { setTimeout as delay } from 'node:timers/promises';
import { type ProgressEntry, progressBucket } from '@ledgerlift/contracts';
import { type KV, Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import type { BusLogger } from '../bus-logger.js';
import { messageOf } from '../errors.js';
import { maxPayload } from '../max-payload.js';

/** What the client adds to the value of a key. */
const HEADERS = 512;

export interface ProgressBucketOptions {
  readonly nc: NatsConnection;
  readonly logger: BusLogger;
  /** What the key of a VM is to hold; undefined: it has not begun, or is at its end, and has no key. */
  readonly entryOf: (stream: string) => ProgressEntry | undefined;
  /** A key is written at most once in this time, */
  readonly everyMs?: number;
  /** and at most so many keys are. */
  readonly mostAtOnce?: number;
  /** What nobody has written for so long is gone: a planner that died leaves nothing that looks alive. */
  readonly ttlMs?: number;
}

/**
 * Keeps a KV bucket with one key for each VM that is under way. Not history: whoever reads it late has lost nothing, and
 * when NATS lost it the bucket is made again and filled from what the planner knows.
 */
export class ProgressBucket {
  readonly #options: Required<ProgressBucketOptions>;
  readonly #stop = new AbortController();
  /** Streams whose key may not say what is so, those that wait longest first. */
  readonly #stale = new Set<string>();
  /** Streams that have a key, with when it was written, by `performance.now()`. */
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

  /** Something about the VM has changed. Costs nothing: it is written when its turn comes. */
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
        // Said once: what keeps failing is tried each second, and harms no migration.
        if (!this.#isFailing && !signal.aborted)
          logger.warn({ reason: messageOf(error) }, 'progress does not reach its bucket; trying on');
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

  /** What is to be written now, taken from what is stale. */
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
    const { nc, ttlMs } = this.#options;
    const kv = await new Kvm(nc).create(progressBucket.name, {
      history: 1,
      ttl: ttlMs,
      description: 'Ledgerlift: VMs that are under way',
    });
    // Keys of an earlier planner are brought to what is so, too.
    for await (const key of await kv.keys()) {
      const stream = progressBucket.stream(key);
      this.#written.set(stream, performance.now());
      this.#stale.add(stream);
    }
    return kv;
  }

  /** The bucket may be gone, or have lost keys: all of them are written again. */
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
