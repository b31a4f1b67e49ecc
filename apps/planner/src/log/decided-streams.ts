import type { DomainEvent } from '@ledgerlift/contracts';
import { domainEvent, type EventLog, RevisionConflict, type StoredEvent } from '@ledgerlift/event-log';
import type { CommandContext, EventWriter } from './event-writer.js';

/** Runs work under one key in order, one at a time. Work under different keys runs concurrently. */
export class KeyedMutex {
  readonly #last = new Map<string, Promise<unknown>>();

  /** @throws what `work` throws; later work still runs */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const done = (this.#last.get(key) ?? Promise.resolve()).then(work);
    const settled = done.catch(() => undefined);
    this.#last.set(key, settled);
    void settled.then(() => {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    });
    return done;
  }
}

interface Folded<S> {
  state: S;
  revision: number;
  last: Cause;
}

/** The event that led to a command. */
export type Cause = Pick<StoredEvent, 'id' | 'type' | 'actor'>;

export interface Decided<S> {
  readonly state: S;
  /** Empty if the command changes nothing. */
  readonly events: readonly StoredEvent[];
}

/** Decides on the current state of one stream, and appends the events. @throws what `decide` throws */
export type Execute<S> = (
  decide: (state: S) => readonly DomainEvent[],
  context: CommandContext,
) => Promise<Decided<S>>;

/**
 * Streams of one category, with the state folded from each. A command decides on the state, appends at the exact revision, and
 * folds its events. Commands to one stream run one at a time. After a revision conflict (another planner appended), the new
 * events are read and the command is decided again.
 */
export class DecidedStreams<S> {
  readonly #folded = new Map<string, Folded<S>>();
  readonly #queues = new KeyedMutex();

  constructor(
    private readonly log: EventLog,
    private readonly writer: EventWriter,
    private readonly category: (stream: string) => boolean,
    private readonly initial: () => S,
    private readonly evolve: (state: S, event: DomainEvent, time: string) => S,
    /** Called after each event is folded, whether it was decided here or read from the log. */
    private readonly changed: (stream: string, before: S, after: S) => void = () => undefined,
  ) {}

  /** Folds an event that is already in the log. Ignores events of other categories. */
  restore(event: StoredEvent): void {
    if (this.category(event.stream)) this.#fold(event);
  }

  state(stream: string): S {
    return this.#folded.get(stream)?.state ?? this.initial();
  }

  /** The last event of the stream; undefined if the stream does not exist. */
  last(stream: string): Cause | undefined {
    return this.#folded.get(stream)?.last;
  }

  streams(): readonly string[] {
    return [...this.#folded.keys()];
  }

  /** @throws what `decide` throws; then nothing was changed */
  execute(
    stream: string,
    decide: (state: S) => readonly DomainEvent[],
    context: CommandContext,
  ): Promise<Decided<S>> {
    return this.exclusively(stream, (execute) => execute(decide, context));
  }

  /** Runs several commands to one stream with no other command between them. */
  exclusively<T>(stream: string, work: (execute: Execute<S>) => Promise<T>): Promise<T> {
    return this.#queues.run(stream, () => work((decide, context) => this.#append(stream, decide, context)));
  }

  async #append(
    stream: string,
    decide: (state: S) => readonly DomainEvent[],
    context: CommandContext,
  ): Promise<Decided<S>> {
    for (;;) {
      const revision = this.#folded.get(stream)?.revision;
      const decided = decide(this.state(stream));
      if (decided.length === 0) return { state: this.state(stream), events: [] };
      try {
        const events = await this.writer.append(stream, revision ?? 'no-stream', decided, context);
        for (const event of events) this.#fold(event);
        return { state: this.state(stream), events };
      } catch (error) {
        if (!(error instanceof RevisionConflict)) throw error;
        const from = revision === undefined ? 0 : revision + 1;
        for await (const event of this.log.readStream(stream, { from })) this.#fold(event);
      }
    }
  }

  #fold(event: StoredEvent): void {
    const known = this.#folded.get(event.stream);
    if (known !== undefined && event.revision <= known.revision) return;
    const before = known?.state ?? this.initial();
    const state = this.evolve(before, domainEvent(event), event.time);
    const { id, type, actor, revision } = event;
    this.#folded.set(event.stream, { state, revision, last: { id, type, actor } });
    this.changed(event.stream, before, state);
  }
}
