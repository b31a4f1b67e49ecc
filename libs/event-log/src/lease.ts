import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 250;

export interface LeaseOptions {
  /** How long after its last sign of life another process may take over, in milliseconds. */
  readonly leaseMs: number;
  /** Called once if another process has the lease. */
  readonly onWaiting: () => void;
  /** Called once if another process took over. */
  readonly onLost: () => void;
  readonly signal: AbortSignal | undefined;
}

/** Where an engine keeps the lease. */
export interface LeaseStore {
  /** @returns the new epoch, in decimal digits; undefined while another process has the lease */
  take(leaseMs: number): Promise<string | undefined>;
  /** @returns false if another process took over */
  renew(epoch: string, leaseMs: number): Promise<boolean>;
  release(epoch: string): Promise<void>;
}

/**
 * One process at a time may append. It has a lease, and an epoch that grows with each owner and that each append checks in its
 * transaction: an owner that was stopped, or cut off, and wakes up after another took over, can append nothing.
 */
export class Lease {
  #renewing: NodeJS.Timeout | undefined;
  #isAsking = false;
  /** When the last successful renewal began; of a clock that goes on while this process is stopped. */
  #renewedAt: number;

  private constructor(
    private readonly store: LeaseStore,
    /** Decimal digits. */
    readonly epoch: string,
    private readonly options: LeaseOptions,
    takenAt: number,
  ) {
    this.#renewedAt = takenAt;
    this.#renewing = setInterval(() => void this.#renew(), options.leaseMs / 3).unref();
  }

  /** Waits until no other process has the lease. @throws the signal's reason */
  static async take(store: LeaseStore, options: LeaseOptions): Promise<Lease> {
    const { leaseMs, onWaiting, signal } = options;
    for (let isFirst = true; ; isFirst = false) {
      signal?.throwIfAborted();
      const takenAt = performance.now();
      const epoch = await store.take(leaseMs);
      if (epoch !== undefined) return new Lease(store, epoch, options, takenAt);
      if (isFirst) onWaiting();
      await sleep(POLL_MS, undefined, { signal }).catch((error: unknown) => {
        throw signal?.aborted ? signal.reason : error;
      });
    }
  }

  /** Whether no other process can have taken over. */
  get isHeld(): boolean {
    return this.#renewing !== undefined && performance.now() - this.#renewedAt < this.options.leaseMs;
  }

  /** Another process took over. */
  lost(): void {
    if (this.#renewing === undefined) return;
    clearInterval(this.#renewing);
    this.#renewing = undefined;
    this.options.onLost();
  }

  /** Lets the next process take over at once. */
  async release(): Promise<void> {
    clearInterval(this.#renewing);
    this.#renewing = undefined;
    // Where the server cannot be reached, the lease ends by itself.
    await this.store.release(this.epoch).catch(() => undefined);
  }

  async #renew(): Promise<void> {
    // One that still waits for the server goes on by itself.
    if (this.#isAsking) return;
    this.#isAsking = true;
    const startedAt = performance.now();
    try {
      if (await this.store.renew(this.epoch, this.options.leaseMs)) this.#renewedAt = startedAt;
      else this.lost();
    } catch {
      // The next one tries again.
    } finally {
      this.#isAsking = false;
    }
  }
}
