import { LogLostEvents } from '../errors.js';
import type { LeaseStore } from '../lease.js';
import { type Database, SYNCHRONOUS } from './database.js';

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

/** The lease in the one row of `ledgerlift_log`. All times are the server's. */
export class LeaseRow implements LeaseStore {
  /** The last position when it was looked at. */
  last = 0n;

  constructor(private readonly database: Database) {}

  /** @throws LogLostEvents if a server took over since the last look that lacks events which were in the log */
  async take(leaseMs: number): Promise<string | undefined> {
    const [row] = await this.database.write(TAKE, [leaseMs]);
    const last = BigInt(String(row?.['last'] ?? 0));
    if (last < this.last) throw new LogLostEvents({ position: String(this.last) });
    this.last = last;
    const epoch = row?.['epoch'];
    return typeof epoch === 'string' ? epoch : undefined;
  }

  async renew(epoch: string, leaseMs: number): Promise<boolean> {
    return (await this.database.write(RENEW, [epoch, leaseMs])).length > 0;
  }

  async release(epoch: string): Promise<void> {
    await this.database.query(`UPDATE ledgerlift_log SET leased_until = '-infinity' WHERE epoch = $1`, [
      epoch,
    ]);
  }
}
