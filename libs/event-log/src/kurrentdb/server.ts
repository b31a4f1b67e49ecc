import {
  type AllStreamRecordedEvent,
  type AppendRecordInput,
  type Direction,
  KurrentDBClient,
  type Position,
  type ReadPosition,
  type ReadRevision,
  type RecordedEvent,
  binaryEvent,
  streamNameFilter,
} from '@kurrent/kurrentdb-client';
import { NETWORK_CODES, type Patience, patiently } from '../patience.js';
import type { KurrentPlace } from './place.js';

/** An event as the client gives it. */
export type Recorded = AllStreamRecordedEvent | RecordedEvent;

export interface NewRecord {
  readonly stream: string;
  readonly id?: string;
  readonly type: string;
  readonly data: string;
  readonly hash?: string;
}

/** What must be true of a stream for an append to happen, whether it writes there or not. */
export interface Check {
  readonly stream: string;
  /** The revision of the last event; undefined if there must be none. */
  readonly last: bigint | undefined;
}

/** A check failed; nothing was written. */
export class CheckFailed extends Error {
  constructor(streams: readonly string[]) {
    super(`another process wrote to ${streams.join(', ')}`);
  }
}

// https://github.com/kurrent-io/KurrentDB, SchemaNameValidator.cs. For people who look: the log reads the type from the content.
const UNFIT_FOR_TYPES = /[^\w.$:-]/g;
/** An idle subscription gets a checkpoint after so many windows of 32 events that are not the log's. */
const CHECKPOINT_WINDOWS = 32;

/** Connections to one KurrentDB server or cluster. Work that finds it away is repeated until the patience ends. */
export class Server implements Patience {
  readonly isAway = isAway;
  readonly #client: KurrentDBClient;
  #isClosed = false;

  /** @throws Error without the password if the client rejects the settings */
  constructor(
    readonly place: KurrentPlace,
    readonly patienceMs: number,
  ) {
    try {
      this.#client = KurrentDBClient.connectionString(place.connection);
    } catch {
      // The client's own error quotes the URL.
      throw new Error('its URL has a value that the client rejects, or names a file that does not exist');
    }
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Appends at once, whatever the streams are. @throws CheckFailed; the client's error, also if the outcome is unknown */
  async append(records: readonly NewRecord[], checks: readonly Check[]): Promise<bigint> {
    const inputs = records.map(({ stream, id, type, data, hash }): AppendRecordInput => {
      const record = {
        ...(id === undefined ? {} : { id }),
        type: type.replace(UNFIT_FOR_TYPES, '_'),
        // As bytes: the client would write and read JSON in a form of its own.
        data: Buffer.from(data),
        ...(hash === undefined ? {} : { metadata: { hash } }),
      };
      return { streamName: stream, record: binaryEvent(record) };
    });
    try {
      const { responses } = await this.#client.appendRecords(
        inputs,
        checks.map(({ stream, last }) => ({
          type: 'stream_state',
          streamName: stream,
          expectedState: last ?? 'no_stream',
        })),
      );
      return responses[0]?.revision ?? 0n;
    } catch (error) {
      throw checkFailed(error) ?? withoutSecrets(error);
    }
  }

  /** A page of the log's events of all streams, from `from` on. */
  page(from: ReadPosition, direction: Direction, maxCount: number): Promise<readonly Recorded[]> {
    const filter = streamNameFilter({ prefixes: [this.place.prefix] });
    return this.#collect(() => this.#client.readAll({ fromPosition: from, direction, maxCount, filter }));
  }

  /** A page of a stream, from `from` on; empty if there is no such stream. */
  streamPage(
    stream: string,
    from: ReadRevision,
    direction: Direction,
    maxCount: number,
  ): Promise<readonly Recorded[]> {
    return this.#collect(() => this.#client.readStream(stream, { fromRevision: from, direction, maxCount }));
  }

  async last(stream: string): Promise<Recorded | undefined> {
    const [event] = await this.streamPage(stream, 'end', 'backwards', 1);
    return event;
  }

  /** The server keeps only the last event of this stream. */
  async keepLastOnly(stream: string): Promise<void> {
    await this.#repeated(async () => {
      const { metadata } = await this.#client.getStreamMetadata(stream);
      if (metadata?.maxCount !== 1) await this.#client.setStreamMetadata(stream, { maxCount: 1 });
    });
  }

  /** Begins a subscription of the log's events. The caller destroys it. */
  subscription(after: Position | 'start', onCheckpoint: (position: Position) => void) {
    return this.#client.subscribeToAll({
      fromPosition: after,
      filter: streamNameFilter({
        prefixes: [this.place.prefix],
        checkpointInterval: CHECKPOINT_WINDOWS,
        checkpointReached: async (_, position) => onCheckpoint(position),
      }),
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#client.dispose();
  }

  async #collect(
    read: () => AsyncIterable<{ readonly event?: Recorded | undefined }>,
  ): Promise<readonly Recorded[]> {
    return this.#repeated(async () => {
      const events: Recorded[] = [];
      try {
        for await (const { event } of read()) if (event !== undefined) events.push(event);
      } catch (error) {
        if (typeOf(error) !== 'stream-not-found') throw error;
      }
      return events;
    });
  }

  #repeated<T>(work: () => Promise<T>): Promise<T> {
    return patiently(this, async () => {
      try {
        return await work();
      } catch (error) {
        throw withoutSecrets(error);
      }
    });
  }
}

/** The position just at an event. */
export const positionOf = (commit: bigint): Position => ({ commit, prepare: commit });

function checkFailed(error: unknown): CheckFailed | undefined {
  if (typeOf(error) !== 'append-consistency-violation') return undefined;
  const { violations } = error as { readonly violations: readonly { readonly streamName: string }[] };
  return new CheckFailed(violations.map(({ streamName }) => streamName));
}

const typeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'type' in error ? error.type : undefined;

const AWAY_TYPES: ReadonlySet<unknown> = new Set([
  ...['unavailable', 'deadline-exceeded', 'timeout', 'cancelled', 'not-leader'],
]);
// https://grpc.io/docs/guides/status-codes/: cancelled, deadline exceeded, unavailable.
const AWAY_CODES: ReadonlySet<unknown> = new Set([1, 4, 14]);
/** Errors of the client itself have neither type nor code. */
const AWAY_MESSAGES = /^Failed to discover/;

/** Whether the server cannot be reached, or does not take work now: the same may succeed later. */
export function isAway(error: unknown): boolean {
  // By its shape, because `instanceof Error` is false for errors from another realm.
  if (typeof error !== 'object' || error === null) return false;
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return (
    AWAY_TYPES.has(typeOf(error)) ||
    AWAY_CODES.has(code) ||
    NETWORK_CODES.has(String(code)) ||
    AWAY_MESSAGES.test(String(message))
  );
}

/** The client's errors hold the answer's headers and, at times, the URL. @returns the same error without them */
function withoutSecrets(error: unknown): Error {
  const { message, code } = error as { readonly message?: unknown; readonly code?: unknown };
  const type = typeOf(error);
  const text = message === undefined || message === '' ? String(type ?? error) : String(message);
  return Object.assign(new Error(text), { code, type });
}
