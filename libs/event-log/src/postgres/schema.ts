import { LogTakenOver, NotAnEventLog } from '../errors.js';
import type { Database, Query } from './database.js';

/** Of all advisory locks in the database, ours; any number will do. */
const LOCK = 0x4c4c4f47;

// `content` is the hashed text, byte for byte, so that psql and sha256sum alone can check a chain. Names sort by their
// bytes, as on every engine, whatever the database's collation is.
const TABLES = `
  CREATE TABLE ledgerlift_log (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    schema_version integer NOT NULL,
    last bigint NOT NULL,
    epoch bigint NOT NULL,
    leased_until timestamptz NOT NULL
  );
  CREATE TABLE ledgerlift_events (
    position bigint PRIMARY KEY,
    stream text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    id text COLLATE "C" NOT NULL UNIQUE,
    hash text NOT NULL,
    content text NOT NULL,
    UNIQUE (stream, revision)
  );
  INSERT INTO ledgerlift_log (schema_version, last, epoch, leased_until) VALUES (0, 0, 0, '-infinity');
`;

/**
 * What makes each version of the tables from the one before. Never change one that was released: append the next. The columns of
 * `ledgerlift_log` stay, because a planner of any version must find out which version it has, and take or wait for the lease.
 */
const VERSIONS: readonly string[] = [TABLES];

export async function areTablesThere(query: Query): Promise<boolean> {
  const [found] = await query("SELECT to_regclass('ledgerlift_log') IS NOT NULL AS is_there");
  return found?.['is_there'] === true;
}

/** Creates the tables if they are missing. */
export async function createTables(database: Database): Promise<void> {
  await database.transaction(async (query) => {
    // Two processes may open an empty database at once.
    await query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    if (!(await areTablesThere(query))) await apply(query, VERSIONS);
  });
}

/**
 * Upgrades the tables in one transaction, for the owner: so no planner of an older version appends meanwhile, and one that waits
 * finds the new version when its turn comes.
 *
 * @throws LogTakenOver
 */
export async function upgradeTables(database: Database, epoch: string, versions = VERSIONS): Promise<void> {
  await database.transaction(async (query) => {
    const [log] = await query('SELECT schema_version FROM ledgerlift_log WHERE epoch = $1 FOR UPDATE', [
      epoch,
    ]);
    if (log === undefined) throw new LogTakenOver();
    await apply(query, versions.slice(Number(log['schema_version'])));
  });
}

async function apply(query: Query, versions: readonly string[]): Promise<void> {
  for (const version of versions) {
    await query(version);
    await query('UPDATE ledgerlift_log SET schema_version = schema_version + 1');
  }
}

/** @throws NotAnEventLog */
export async function checkSchema(
  database: Database,
  path: string,
  age: 'current' | 'may-be-older' = 'current',
): Promise<void> {
  const [encoding] = await database.query('SHOW server_encoding');
  if (encoding?.['server_encoding'] !== 'UTF8')
    throw new NotAnEventLog(path, `its encoding is ${String(encoding?.['server_encoding'])}, not UTF8`);
  const [log] = await database.query('SELECT schema_version FROM ledgerlift_log');
  const version = Number(log?.['schema_version']);
  const isRight = version === VERSIONS.length || (age === 'may-be-older' && version < VERSIONS.length);
  if (!isRight) throw new NotAnEventLog(path, `its schema version is ${version}, not ${VERSIONS.length}`);
}
