import type { LeaseStore } from '../lease.js';
import type { Database } from './database.js';

/** The lease in the one row of `ledgerlift_log`. All times are the server's. */
export class LeaseRow implements LeaseStore {
  constructor(private readonly database: Database) {}

  async take(leaseMs: number): Promise<string | undefined> {
    const [row] = await this.database.query(
      `UPDATE ledgerlift_log SET epoch = epoch + 1, leased_until = clock_timestamp() + $1 * interval '1 ms'
       WHERE leased_until < clock_timestamp() RETURNING epoch`,
      [leaseMs],
    );
    return row && String(row['epoch']);
  }

  async renew(epoch: string, leaseMs: number): Promise<boolean> {
    const rows = await this.database.query(
      `UPDATE ledgerlift_log SET leased_until = clock_timestamp() + $2 * interval '1 ms' WHERE epoch = $1 RETURNING epoch`,
      [epoch, leaseMs],
    );
    return rows.length > 0;
  }

  async release(epoch: string): Promise<void> {
    await this.database.query(`UPDATE ledgerlift_log SET leased_until = '-infinity' WHERE epoch = $1`, [
      epoch,
    ]);
  }
}
