import type { AttemptRef } from '@ledgerlift/contracts';

/**
 * Who works on what, and until when: the planner's memory of leases. It is not in the log, so it is empty after a
 * restart: each attempt that is open in the log is then opened anew, and has one lease's time to be heard of. Times are milliseconds of
 * one clock, which the caller passes in.
 */
export class LeaseTable {
  readonly #leases = new Map<string, { readonly ref: AttemptRef; readonly endsAt: number }>();

  constructor(readonly leaseMs: number) {}

  /** The attempt was granted to this worker (again, perhaps): its lease begins now. */
  open(ref: AttemptRef, now: number): void {
    this.#leases.set(keyOf(ref), { ref, endsAt: now + this.leaseMs });
  }

  /**
   * The worker was heard of.
   * @returns 'renewed'; 'unknown' when it has no lease, because it ended or was another worker's
   */
  renew(ref: AttemptRef, now: number): 'renewed' | 'unknown' {
    const lease = this.#leases.get(keyOf(ref));
    // A lease that ended is not revived, even if nobody has looked yet: its end may have been acted on.
    if (lease === undefined || lease.ref.worker !== ref.worker || lease.endsAt <= now) return 'unknown';
    this.#leases.set(keyOf(ref), { ref, endsAt: now + this.leaseMs });
    return 'renewed';
  }

  /** The attempt is over: no lease is needed any more. */
  close(ref: Pick<AttemptRef, 'stream' | 'step' | 'attempt'>): void {
    this.#leases.delete(keyOf(ref));
  }

  /** The attempts whose worker was not heard of in time; they stay until they are closed. */
  expired(now: number): readonly AttemptRef[] {
    return [...this.#leases.values()].filter(({ endsAt }) => endsAt <= now).map(({ ref }) => ref);
  }

  /** The planner could not be reached: every attempt has one lease from now, whether its own ended meanwhile or not. */
  grace(now: number): void {
    for (const { ref } of this.#leases.values()) this.open(ref, now);
  }
}

/** One attempt has one worker: who claims it is not part of its name. */
const keyOf = ({ stream, step, attempt }: Pick<AttemptRef, 'stream' | 'step' | 'attempt'>): string =>
  `${stream}/${step}/${attempt}`;
