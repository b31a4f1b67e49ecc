import type { AttemptRef } from '@ledgerlift/contracts';

/**
 * The lease of each attempt: its worker, and when it ends. Leases are not in the log, so the table is empty after a restart; the
 * caller then opens a lease for each started attempt. All times are milliseconds of one clock, passed in by the caller.
 */
export class LeaseTable {
  readonly #leases = new Map<string, { readonly ref: AttemptRef; readonly endsAt: number }>();

  constructor(readonly leaseMs: number) {}

  /** Begins the worker's lease of the attempt, or begins it again. */
  open(ref: AttemptRef, now: number): void {
    this.#leases.set(keyOf(ref), { ref, endsAt: now + this.leaseMs });
  }

  /**
   * Extends the worker's lease from now.
   * @returns 'unknown' if the worker has no lease, because it ended or belongs to another worker
   */
  renew(ref: AttemptRef, now: number): 'renewed' | 'unknown' {
    const lease = this.#leases.get(keyOf(ref));
    // A lease that has ended is not renewed, even if it is still listed: the attempt may be ending already.
    if (lease === undefined || lease.ref.worker !== ref.worker || lease.endsAt <= now) return 'unknown';
    this.#leases.set(keyOf(ref), { ref, endsAt: now + this.leaseMs });
    return 'renewed';
  }

  /** Removes the lease of an attempt that is over. */
  close(ref: Pick<AttemptRef, 'stream' | 'step' | 'attempt'>): void {
    this.#leases.delete(keyOf(ref));
  }

  /** Attempts whose lease has ended. They stay listed until they are closed. */
  expired(now: number): readonly AttemptRef[] {
    return [...this.#leases.values()].filter(({ endsAt }) => endsAt <= now).map(({ ref }) => ref);
  }

  /** Begins every lease again, including those that have ended, after workers could not reach the planner. */
  grace(now: number): void {
    for (const { ref } of this.#leases.values()) this.open(ref, now);
  }
}

/** An attempt has only one worker, so the worker is not part of the key. */
const keyOf = ({ stream, step, attempt }: Pick<AttemptRef, 'stream' | 'step' | 'attempt'>): string =>
  `${stream}/${step}/${attempt}`;
