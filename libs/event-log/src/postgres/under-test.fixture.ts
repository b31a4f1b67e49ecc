import { Client } from 'pg';
import type { Edit, LogUnderTest, Place } from '../contract/log-under-test.js';
import { openPostgresLog, openPostgresLogForReading } from './open.js';

/**
 * An empty log for the contract.
 *
 * @param direct the database's URL, for the intruder
 * @param url the URL that the log uses
 */
export async function logUnderTest(direct: string, url = direct): Promise<LogUnderTest> {
  const intruder = new Intruder(direct);
  const open = () => openPostgresLog({ url });
  let log = await open();
  return {
    get log() {
      return log;
    },
    async reopen() {
      await log.close();
      log = await open();
      return log;
    },
    openReader: () => openPostgresLogForReading({ url }),
    loseConnections: () => intruder.loseConnections(),
    edited: (place, edits, look) => intruder.edited(place, edits, look),
    async destroy() {
      await log.close();
      await intruder.leave();
    },
  };
}

/** Text that the database cannot hold: not UTF-8, or with a zero (SQLSTATE 22021). Nobody can edit it into the log. */
const UNTRANSLATABLE = '22021';

/** Whoever has the database: edits records behind the log's back, and cuts connections. */
class Intruder {
  #client: Promise<Client> | undefined;
  #hasCopy = false;

  constructor(private readonly url: string) {}

  async loseConnections(): Promise<void> {
    const client = await this.#connected();
    await client.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
  }

  async edited<T>(
    { stream, revision }: Place,
    edits: readonly Edit[],
    look: () => Promise<T>,
  ): Promise<T | undefined> {
    const client = await this.#connected();
    if (!this.#hasCopy) await client.query('CREATE TEMP TABLE before AS SELECT * FROM ledgerlift_events');
    this.#hasCopy = true;
    const values: unknown[] = [stream, revision];
    const set = edits.map(({ column, value }) => {
      if (typeof value === 'bigint') return `${column} = ${value}`;
      values.push(Buffer.from(value));
      return `${column} = convert_from($${values.length}::bytea, 'UTF8')`;
    });
    try {
      await client.query(
        `UPDATE ledgerlift_events SET ${set.join(', ')} WHERE stream = $1 AND revision = $2`,
        values,
      );
    } catch (error) {
      if ((error as { readonly code?: string }).code === UNTRANSLATABLE) return undefined;
      throw error;
    }
    try {
      return await look();
    } finally {
      await client.query('DELETE FROM ledgerlift_events; INSERT INTO ledgerlift_events SELECT * FROM before');
    }
  }

  async leave(): Promise<void> {
    await (await this.#client)?.end();
  }

  #connected(): Promise<Client> {
    return (this.#client ??= (async () => {
      const client = new Client({ connectionString: this.url });
      await client.connect();
      return client;
    })());
  }
}
