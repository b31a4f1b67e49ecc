import { CannotOpenLog, LogLostEvents, NotAnEventLog, UnreadableEvent } from '../errors.js';
import { Lease } from '../lease.js';
import type { EventLog } from '../port.js';
import { Appender } from './appender.js';
import { KurrentLog } from './kurrent-log.js';
import { LeaseStream } from './lease-stream.js';
import { kurrentPlace, shownKurrentUrl, unknownSetting } from './place.js';
import { Server } from './server.js';

const LEASE_MS = 5000;
const PATIENCE_MS = 30_000;

export interface KurrentLogOptions {
  /**
   * `kurrentdb://user:password@host:2113/log?tls=true`, or `kurrentdb+discover://` for a cluster. The path names the log, because one
   * server can have several; it is `ledgerlift` by default. The settings are the client's.
   */
  readonly url: string;
  /** Called once if another process owns the log, and this one waits for it to end. */
  readonly onWaiting?: () => void;
  /** Called once if another process took over, because this one was silent for too long. Nothing can be appended any more. */
  readonly onLost?: () => void;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
  /** How long this process may be silent until another takes over; 5 seconds by default. */
  readonly leaseMs?: number;
  /** How long appends and reads wait for a server that is away; 30 seconds by default. */
  readonly patienceMs?: number;
}

/**
 * Opens the log for appending. One process at a time owns it; a second one waits until the first has closed it, or was silent for
 * `leaseMs`. The owner then reads the whole log once.
 *
 * @throws NotAnEventLog, CannotOpenLog, UnreadableEvent; the signal's reason if it aborts during the wait
 */
export async function openKurrentLog(options: KurrentLogOptions): Promise<EventLog> {
  const { url, leaseMs = LEASE_MS, patienceMs = PATIENCE_MS, signal } = options;
  const nothing = (): void => undefined;
  const { onWaiting = nothing, onLost = nothing } = options;
  const server = connect(url, patienceMs);
  let lease: Lease | undefined;
  try {
    await server.keepLastOnly(server.place.leaseStream);
    const leases = new LeaseStream(server);
    lease = await Lease.take(leases, { leaseMs, onWaiting, onLost, signal });
    const appender = new Appender(server, leases, lease, nothing);
    await appender.catchUp();
    return new KurrentLog(server, { appender, lease });
  } catch (error) {
    await lease?.release();
    await server.close();
    throw signal?.aborted === true ? signal.reason : openingError(url, error);
  }
}

/**
 * Opens a log for reading only, such as for an audit; a user who may only read is enough. Another process may own it.
 *
 * @throws NotAnEventLog, CannotOpenLog
 */
export async function openKurrentLogForReading({
  url,
  patienceMs = PATIENCE_MS,
}: Pick<KurrentLogOptions, 'url' | 'patienceMs'>): Promise<EventLog> {
  const server = connect(url, patienceMs);
  try {
    if ((await server.last(server.place.epochStream)) === undefined)
      throw new NotAnEventLog(shownKurrentUrl(url), `it has no stream ${server.place.epochStream}`);
    return new KurrentLog(server, undefined);
  } catch (error) {
    await server.close();
    throw openingError(url, error);
  }
}

function connect(url: string, patienceMs: number): Server {
  const place = kurrentPlace(url);
  try {
    if (place === undefined)
      throw new Error(
        'its URL is not kurrentdb://user:password@host:port/log?settings; a log is named by letters, digits, _ and -',
      );
    const unknown = unknownSetting(place);
    if (unknown !== undefined) throw new Error(`its URL has the unknown setting "${unknown}"`);
    return new Server(place, patienceMs);
  } catch (error) {
    throw new CannotOpenLog(
      shownKurrentUrl(url),
      error,
      'correct the URL, with %40 for @ and the like in names and passwords',
    );
  }
}

function openingError(url: string, error: unknown): Error {
  if (error instanceof NotAnEventLog || error instanceof CannotOpenLog) return error;
  if (error instanceof UnreadableEvent || error instanceof LogLostEvents) return error;
  const isTooOld =
    typeof error === 'object' && error !== null && 'type' in error && error.type === 'unsupported';
  return new CannotOpenLog(
    shownKurrentUrl(url),
    error,
    isTooOld
      ? 'run KurrentDB 26.1 or newer'
      : 'check that the server runs, and that the user may read $all and write',
  );
}
