import { setTimeout as sleep } from 'node:timers/promises';
import { LogLostEvents } from '../errors.js';
import { type Database, SYNCHRONOUS } from './database.js';

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

// Epochs grow by chance: after a failover that lost the last one, the next owner must not get the same.
const TAKE = `
  WITH taken AS (
    UPDATE ledgerlift_log
    SET epoch = epoch + 1 + floor(random() * 1000000000)::bigint, leased_until = clock_timestamp() + $1 * interval '1 ms'
    WHERE leased_until < clock_timestamp() RETURNING epoch, last
  )
  SELECT taken.epoch, coalesce(taken.last, log.last) AS last, ${SYNCHRONOUS} FROM ledgerlift_log AS log LEFT JOIN taken ON true`;
const RENEW = `
  WITH renewed AS (
    UPDATE ledgerlift_log SET leased_until = clock_timestamp() + $2 * interval '1 ms' WHERE epoch = $1 RETURNING epoch
  )
  SELECT ${SYNCHRONOUS} FROM renewed`;

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
    private readonly database: Database,
    /** Decimal digits. */
    readonly epoch: string,
    /** The last position when it was taken. */
    readonly last: bigint,
    private readonly options: LeaseOptions,
    takenAt: number,
  ) {
    this.#renewedAt = takenAt;
    this.#renewing = setInterval(() => void this.#renew(), options.leaseMs / 3).unref();
  }

  /**
   * Waits until no other process has the lease. All times are the server's.
   *
   * @throws LogLostEvents if a server takes over meanwhile that lacks events which were in the log; the signal's reason
   */
  static async take(database: Database, options: LeaseOptions): Promise<Lease> {
    const { leaseMs, onWaiting, signal } = options;
    for (let isFirst = true, seen = 0n; ; isFirst = false) {
      signal?.throwIfAborted();
      const takenAt = performance.now();
      const [row] = await database.write(TAKE, [leaseMs]);
      const last = BigInt(String(row?.['last'] ?? 0));
      if (last < seen) throw new LogLostEvents(String(seen));
      seen = last;
      if (typeof row?.['epoch'] === 'string')
        return new Lease(database, row['epoch'], last, options, takenAt);
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
    await this.database
      .query(`UPDATE ledgerlift_log SET leased_until = '-infinity' WHERE epoch = $1`, [this.epoch])
      .catch(() => undefined);
  }

  async #renew(): Promise<void> {
    // One that still waits for the server goes on by itself.
    if (this.#isAsking) return;
    this.#isAsking = true;
    const startedAt = performance.now();
    try {
      const rows = await this.database.write(RENEW, [this.epoch, this.options.leaseMs]);
      if (rows.length === 0) this.lost();
      else this.#renewedAt = startedAt;
    } catch {
      // The next one tries again.
    } finally {
      this.#isAsking = false;
    }
  }
}
