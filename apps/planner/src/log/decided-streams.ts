import type { DomainEvent } from '@ledgerlift/contracts';
import { type EventLog, RevisionConflict, type StoredEvent } from '@ledgerlift/event-log';
import { domainEvent } from './domain-events.js';
import type { CommandContext, EventWriter } from './event-writer.js';

interface Folded<S> {
  state: S;
  revision: number;
}

export interface Decided<S> {
  readonly state: S;
  /** None where the command asked for what is already so. */
  readonly events: readonly StoredEvent[];
}

/**
 * Streams of one category with the state folded from each, and the way to change one: decide on the state, append at
 * its exact revision, fold. Commands to one stream are carried out one after another; on a revision conflict (another
 * planner appended) the stream is read on and the command decided anew.
 */
export class DecidedStreams<S> {
  readonly #folded = new Map<string, Folded<S>>();
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(
    private readonly log: EventLog,
    private readonly writer: EventWriter,
    private readonly category: (stream: string) => boolean,
    private readonly initial: () => S,
    private readonly evolve: (state: S, event: DomainEvent, time: string) => S,
    /** Told of each event that was folded, whether it was decided here or read from the log. */
    private readonly changed: (stream: string, before: S, after: S) => void = () => undefined,
  ) {}

  /** Folds an event that is in the log already; events of other categories are passed over. */
  restore(event: StoredEvent): void {
    if (this.category(event.stream)) this.#fold(event);
  }

  state(stream: string): S {
    return this.#folded.get(stream)?.state ?? this.initial();
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
    const turn = (this.#turns.get(stream) ?? Promise.resolve()).then(() =>
      this.#append(stream, decide, context),
    );
    const settled = turn.catch(() => undefined);
    this.#turns.set(stream, settled);
    void settled.then(() => {
      if (this.#turns.get(stream) === settled) this.#turns.delete(stream);
    });
    return turn;
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
    this.#folded.set(event.stream, { state, revision: event.revision });
    this.changed(event.stream, before, state);
  }
}
