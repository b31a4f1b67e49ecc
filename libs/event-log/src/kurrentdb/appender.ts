import { AppendQueue, type Outcome } from '../append-queue.js';
import { Batch, type Head, type WrittenEvent } from '../batch.js';
import { BadAppend, LogLostEvents, LogTakenOver } from '../errors.js';
import type { Lease } from '../lease.js';
import { patiently } from '../patience.js';
import type { PlacedAppend } from '../placed-append.js';
import type { StoredEvent } from '../port.js';
import { eventOf, headOf } from '../rows.js';
import type { LeaseStream } from './lease-stream.js';
import { rowOf } from './records.js';
import { type Check, CheckFailed, type NewRecord, type Server, positionOf } from './server.js';

/** Below the server's default limit of an append (`MaxAppendSize`, 1 MiB), with room for what comes with each event. */
const LARGEST_BYTES = 512 * 1024;
const PAGE = 500;
const MOST_TRIES = 3;

interface Known {
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
}

/**
 * Appends for the owner, one request at a time.
 *
 * The server neither finds an event by its id nor lists streams, so the owner keeps the ids and heads that it read when it opened the
 * log, and those that it appended. They stay right as long as it is the owner, and each append checks that.
 */
export class Appender extends AppendQueue {
  /** Id of an event → its stream. */
  readonly #ids = new Map<string, string>();
  readonly #heads = new Map<string, Head>();
  /** The last event that was read or acknowledged. */
  #last: Known | undefined;
  /** Whether the log may have more than this process knows: an answer was lost. */
  #isBehind = true;

  constructor(
    private readonly server: Server,
    private readonly leases: LeaseStream,
    private readonly lease: Lease,
    onCommitted: () => void,
  ) {
    super({
      commit: (group) => this.#commit(group),
      onCommitted,
      isAway: (error) => server.isAway(error),
      largestBytes: LARGEST_BYTES,
    });
  }

  /** Reads what the log has and this process does not know. @throws LogLostEvents, UnreadableEvent */
  async catchUp(): Promise<void> {
    if (this.#last !== undefined) await this.#confirm(this.#last);
    for (;;) {
      const from = this.#last === undefined ? 'start' : positionOf(this.#last.position);
      const page = await this.server.page(from, 'forwards', PAGE);
      for (const event of page) {
        const row = rowOf(event, this.server.place.prefix);
        const { stream, revision, hash } = headOf(row);
        // Somebody else may have written there: the first event with an id has it.
        if (!this.#ids.has(event.id)) this.#ids.set(event.id, stream);
        this.#heads.set(stream, { revision, hash });
        this.#last = { id: event.id, stream, revision, position: event.position?.commit ?? 0n };
      }
      if (page.length < PAGE) break;
    }
    this.#isBehind = false;
  }

  async #commit(group: readonly PlacedAppend[]): Promise<readonly Outcome[]> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await patiently(this.server, () => this.#append(group));
      } catch (error) {
        if (error instanceof LogTakenOver) this.lease.lost();
        // Alone, so that its own caller gets it.
        const limit = limitOf(error);
        if (limit !== undefined && group.length === 1) return [limit];
        // An earlier request was done after all: what the log has now decides.
        if (!(error instanceof CheckFailed) || tries === MOST_TRIES) throw error;
      }
    }
  }

  async #append(group: readonly PlacedAppend[]): Promise<readonly Outcome[]> {
    if (this.#isBehind) await this.catchUp();
    const batch = await this.#batch(group);
    const { written } = batch;
    if (written.length === 0) {
      await this.#confirmOwner();
      return batch.outcomes([]);
    }
    const checks = [...batch.heads.keys()].map((stream): Check => {
      const head = this.#heads.get(stream);
      return { stream: this.#named(stream), last: head && BigInt(head.revision) };
    });
    const records = written.map(({ stream, id, hash, content }): NewRecord => {
      const { type } = JSON.parse(content) as { readonly type: string };
      return { stream: this.#named(stream), id, type, data: content, hash };
    });
    // Until the answer is here, nobody knows what the log has.
    this.#isBehind = true;
    try {
      await this.server.append(records, [this.leases.checkOf(this.lease.epoch), ...checks]);
    } catch (error) {
      if (error instanceof CheckFailed) await this.#confirmOwner();
      throw error;
    }
    const positions = await this.#positions(written);
    for (const { id, stream } of written) this.#ids.set(id, stream);
    for (const [stream, head] of batch.heads) this.#heads.set(stream, head);
    const last = written.at(-1);
    if (last !== undefined) this.#last = { ...last, position: BigInt(positions.at(-1) ?? 0) };
    this.#isBehind = false;
    return batch.outcomes(positions);
  }

  async #batch(group: readonly PlacedAppend[]): Promise<Batch> {
    const there = new Map<PlacedAppend, readonly StoredEvent[]>();
    for (const append of group) {
      const { stream, events } = append;
      if (!events.some(({ id }) => this.#ids.has(id))) continue;
      const first = BigInt(events[0]?.revision ?? 0);
      const page = await this.server.streamPage(this.#named(stream), first, 'forwards', events.length);
      there.set(
        append,
        page.map((event) => eventOf(rowOf(event, this.server.place.prefix))),
      );
    }
    const batch = new Batch({
      head: (stream) => this.#heads.get(stream),
      streamOf: (id) => this.#ids.get(id),
      there: (append) => there.get(append) ?? [],
    });
    const names = new Map<string, string>();
    for (const append of group) {
      const other = names.get(append.stream.toUpperCase());
      // In one request, the server takes such names for one stream. Each append then gets a request of its own.
      if (other !== undefined && other !== append.stream)
        throw new Error(`${append.stream} and ${other} differ only in the case of letters`);
      names.set(append.stream.toUpperCase(), append.stream);
      batch.add(append);
    }
    return batch;
  }

  /** Positions of what was just appended, which are the last events of the log. */
  async #positions(written: readonly WrittenEvent[]): Promise<readonly string[]> {
    const page = (await this.server.page('end', 'backwards', written.length)).toReversed();
    if (page.length < written.length || page.some(({ id }, n) => id !== written[n]?.id)) {
      await this.#confirmOwner();
      throw new CheckFailed(page.map(({ streamId }) => streamId));
    }
    return page.map(({ position }) => String(position?.commit));
  }

  /** @throws LogTakenOver, LogLostEvents */
  async #confirmOwner(): Promise<void> {
    const { stream, last = -1n } = this.leases.checkOf(this.lease.epoch);
    const epoch = (await this.server.last(stream))?.revision ?? -1n;
    if (epoch > last) throw new LogTakenOver();
    if (epoch < last) throw this.#lostEvents();
  }

  /** @throws LogLostEvents if the log does not have this event */
  async #confirm({ id, stream, revision }: Known): Promise<void> {
    const [event] = await this.server.streamPage(this.#named(stream), BigInt(revision), 'forwards', 1);
    if (event?.id !== id) throw this.#lostEvents();
  }

  #lostEvents(): LogLostEvents {
    return new LogLostEvents({ position: String(this.#last?.position ?? 0n) });
  }

  #named(stream: string): string {
    return `${this.server.place.prefix}${stream}`;
  }
}

/** Types of errors about sizes; gRPC's own limit has the code 8. */
const TOO_LARGE: ReadonlySet<unknown> = new Set([
  ...['append-record-size-exceeded', 'transaction-max-size-exceeded', 'maximum-append-size-exceeded'],
]);

function limitOf(error: unknown): BadAppend | undefined {
  const { type, code, message } = error as Record<'type' | 'code' | 'message', unknown>;
  if (!TOO_LARGE.has(type) && code !== 8) return undefined;
  return new BadAppend(
    'events',
    `are too large for the KurrentDB server: ${String(message)}; raise its MaxAppendSize and MaxAppendEventSize`,
  );
}
