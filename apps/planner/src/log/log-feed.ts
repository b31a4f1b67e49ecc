import type { EventLog, StoredEvent } from '@ledgerlift/event-log';
import { comparePositions } from '@ledgerlift/event-log';

export type Projection = (event: StoredEvent) => void;

/**
 * Gives every event of the log, in the log's order, to the planner's projections: all of them at start, then each
 * one as it is appended. `appliedTo` lets an answer wait until it can be read back.
 */
export class LogFeed {
  readonly #projections: Projection[] = [];
  readonly #stop = new AbortController();
  readonly #waiting = new Set<{ readonly position: string; readonly done: () => void }>();
  #position: string | undefined;
  #running: Promise<void> | undefined;

  constructor(private readonly log: EventLog) {}

  add(projection: Projection): void {
    this.#projections.push(projection);
  }

  /** Resolves when everything that is in the log now has been applied. */
  async start(): Promise<void> {
    for await (const event of this.log.readAll({})) this.#apply(event);
    this.#running = this.#follow();
  }

  /** Resolves when the event at `position` has been applied. */
  async appliedTo(position: string | undefined): Promise<void> {
    if (position === undefined || this.#has(position)) return;
    await new Promise<void>((done) => this.#waiting.add({ position, done }));
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #follow(): Promise<void> {
    await this.log.subscribe({
      ...(this.#position === undefined ? {} : { after: this.#position }),
      onEvents: (events) => {
        for (const event of events) this.#apply(event);
      },
      onCaughtUp: () => undefined,
      signal: this.#stop.signal,
    });
  }

  #apply(event: StoredEvent): void {
    for (const projection of this.#projections) projection(event);
    this.#position = event.position;
    for (const waiter of this.#waiting) {
      if (!this.#has(waiter.position)) continue;
      this.#waiting.delete(waiter);
      waiter.done();
    }
  }

  #has(position: string): boolean {
    return this.#position !== undefined && comparePositions(this.#position, position) >= 0;
  }
}
