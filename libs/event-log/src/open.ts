import { isKurrentUrl, shownKurrentUrl } from './kurrentdb/place.js';
import type { EventLog } from './port.js';
import { openPostgresLog, openPostgresLogForReading } from './postgres/open.js';
import { shownUrl } from './postgres/shown-url.js';
import { openSqliteLog, openSqliteLogForReading } from './sqlite/open.js';

export interface OpenLogOptions {
  /** Called once if another process owns the log, and this one waits for it to end. */
  readonly onWaiting?: () => void;
  /** Called once if another process took over the log. Nothing can be appended any more. Never on SQLite. */
  readonly onLost?: () => void;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
  /** How long the owner may be silent until another process takes over, in milliseconds. Not on SQLite. */
  readonly leaseMs?: number;
}

/** Loaded only when it is used, because its client has a native part, which not every machine can load. */
const kurrentdb = () => import('./kurrentdb/open.js');

const isPostgresUrl = (place: string): boolean => /^postgres(?:ql)?:\/\//.test(place);

/** Whether a place of a log is on a database server, and no file. */
export const isDatabase = (place: string): boolean => isPostgresUrl(place) || isKurrentUrl(place);

/** The place of a log for messages: without a password. */
export const shownPlace = (place: string): string => {
  if (isPostgresUrl(place)) return shownUrl(place);
  return isKurrentUrl(place) ? shownKurrentUrl(place) : place;
};

/**
 * Opens the log for appending. One process at a time owns it; a second one waits until the first has ended.
 *
 * @param place the path of a file (see `SqliteLogOptions`), or the URL of a database (see `PostgresLogOptions` and `KurrentLogOptions`)
 * @throws NotAnEventLog, CannotOpenLog; the signal's reason if it aborts during the wait
 */
export const openLog = async (place: string, options: OpenLogOptions = {}): Promise<EventLog> => {
  if (isPostgresUrl(place)) return openPostgresLog({ url: place, ...options });
  if (isKurrentUrl(place)) return (await kurrentdb()).openKurrentLog({ url: place, ...options });
  return openSqliteLog({ path: place, ...options });
};

/** Opens a log for reading only, such as for an audit. Another process may own it. @throws NotAnEventLog, CannotOpenLog */
export const openLogForReading = async (place: string): Promise<EventLog> => {
  if (isPostgresUrl(place)) return openPostgresLogForReading({ url: place });
  if (isKurrentUrl(place)) return (await kurrentdb()).openKurrentLogForReading({ url: place });
  return openSqliteLogForReading(place);
};
