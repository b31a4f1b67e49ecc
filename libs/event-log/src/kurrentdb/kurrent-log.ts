import { LogLostEvents, LogNotOpen } from '../errors.js';
import type { Lease } from '../lease.js';
import { placeAppend } from '../placed-append.js';
import type {
  AppendResult,
  EventLog,
  ExpectedRevision,
  NewEvent,
  ReadAllOptions,
  ReadStreamOptions,
  StoredEvent,
  StoredRecord,
  StreamHead,
  SubscribeOptions,
} from '../port.js';
import { eventOf, headOf, positionNumber } from '../rows.js';
import type { Appender } from './appender.js';
import { Feed } from './feed.js';
import { recordOf, rowOf } from './records.js';
import { type Recorded, type Server, positionOf } from './server.js';

const PAGE = 500;
/** How often a subscription whose last event is not the log's asks again. */
const POLL_MS = 1000;

/** What only the owner has. */
export interface Ownership {
  readonly appender: Appender;
  readonly lease: Lease;
}

/** The log in streams of a KurrentDB server. */
export class KurrentLog implements EventLog {
  readonly #feeds = new Set<Feed>();

  constructor(
    private readonly server: Server,
    private readonly ownership: Ownership | undefined,
  ) {}

  async append(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedRevision,
  ): Promise<AppendResult> {
    if (this.server.isClosed || this.ownership === undefined) throw new LogNotOpen('appending');
    return this.ownership.appender.add(placeAppend(stream, events, expected));
  }

  async *readStream(stream: string, options: ReadStreamOptions = {}): AsyncIterable<StoredEvent> {
    const { direction = 'forwards', from, to } = options;
    const step = direction === 'forwards' ? 1n : -1n;
    const isPast = (revision: bigint): boolean => to !== undefined && (revision - BigInt(to)) * step > 0n;
    let next = from === undefined ? undefined : BigInt(from);
    for (;;) {
      const start = next ?? (direction === 'forwards' ? 'start' : 'end');
      const page = await this.server.streamPage(this.#named(stream), start, direction, PAGE);
      for (const event of page) {
        if (isPast(event.revision)) return;
        yield this.#eventOf(event);
      }
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE || last.revision + step < 0n) return;
      next = last.revision + step;
    }
  }

  async *readAll({
    after,
    limit = Infinity,
    direction = 'forwards',
  }: ReadAllOptions = {}): AsyncIterable<StoredEvent> {
    positionNumber(after);
    let left = limit;
    for await (const event of this.#recorded(direction, after, limit)) {
      if (left <= 0) return;
      left -= 1;
      yield this.#eventOf(event);
    }
  }

  async *readStored(): AsyncIterable<StoredRecord> {
    for await (const event of this.#recorded('forwards')) yield recordOf(event, this.server.place.prefix);
  }

  async subscribe({ after, onEvents, onCaughtUp, signal }: SubscribeOptions): Promise<void> {
    let position = BigInt(positionNumber(after) ?? 0);
    if (position > 0n) mustBeginAt(position, await this.server.page(positionOf(position), 'forwards', 1));
    const feed = new Feed(this.server, position);
    this.#feeds.add(feed);
    try {
      let isBehind = true;
      while (!signal.aborted && !this.server.isClosed) {
        const events = feed.take(PAGE).map((event) => this.#eventOf(event));
        const last = events.at(-1);
        if (last !== undefined) {
          await onEvents(events);
          position = BigInt(last.position);
          isBehind = true;
        } else if (isBehind && (await this.#isEnd(position))) {
          if (this.server.isClosed) return;
          onCaughtUp?.();
          isBehind = false;
        } else await feed.sleep(signal, isBehind ? POLL_MS : undefined);
      }
    } finally {
      this.#feeds.delete(feed);
      feed.stop();
    }
  }

  async head(): Promise<string | undefined> {
    const [event] = await this.server.page('end', 'backwards', 1);
    return event && String(event.position?.commit);
  }

  async streamHead(stream: string): Promise<StreamHead | undefined> {
    const event = await this.server.last(this.#named(stream));
    return event && headOf(rowOf(event, this.server.place.prefix));
  }

  async *listStreams(prefix = ''): AsyncIterable<StreamHead> {
    // The server has no list of its streams.
    const heads = new Map<string, StreamHead>();
    for await (const event of this.#recorded('forwards')) {
      const head = headOf(rowOf(event, this.server.place.prefix));
      if (head.stream.startsWith(prefix)) heads.set(head.stream, head);
    }
    yield* [...heads.values()].sort((a, b) => Buffer.compare(Buffer.from(a.stream), Buffer.from(b.stream)));
  }

  owns(): boolean {
    return this.ownership?.lease.isHeld === true;
  }

  async close(): Promise<void> {
    if (this.server.isClosed) return;
    await this.ownership?.appender.flush();
    await this.ownership?.lease.release();
    const closing = this.server.close();
    for (const feed of this.#feeds) feed.stop();
    await closing;
  }

  /** Stored events of all streams after a position, or before it; pages of at most `most`. */
  async *#recorded(
    direction: 'forwards' | 'backwards',
    after?: string,
    most = Infinity,
  ): AsyncIterable<Recorded> {
    const size = Math.min(most + 1, PAGE);
    let from = after === undefined ? undefined : BigInt(after);
    for (;;) {
      // From 0 on means from the first event on; from a position on means from its event on, which was read already.
      const isForwards = direction === 'forwards';
      if (!isForwards && from === 0n) return;
      const start = from === undefined || from === 0n ? (isForwards ? 'start' : 'end') : positionOf(from);
      const page = await this.server.page(start, direction, size);
      if (isForwards && from !== undefined) mustBeginAt(from, page);
      for (const event of page) if (!isForwards || event.position?.commit !== from) yield event;
      const last = page.at(-1)?.position;
      if (last === undefined || page.length < size || last.commit === from) return;
      from = last.commit;
    }
  }

  /** Whether the log has no event after this position. False if the server is away. */
  async #isEnd(position: bigint): Promise<boolean> {
    try {
      return BigInt((await this.head()) ?? 0) <= position;
    } catch (error) {
      if (this.server.isAway(error) || this.server.isClosed) return false;
      throw error;
    }
  }

  #eventOf(event: Recorded): StoredEvent {
    return eventOf(rowOf(event, this.server.place.prefix));
  }

  #named(stream: string): string {
    return `${this.server.place.prefix}${stream}`;
  }
}

/**
 * The event after which a reader goes on must still be there: the server may have been restored, or another one may have taken over.
 * @throws LogLostEvents
 */
function mustBeginAt(position: bigint, page: readonly Recorded[]): void {
  if (position > 0n && page[0]?.position?.commit !== position)
    throw new LogLostEvents({ position: String(position) });
}
