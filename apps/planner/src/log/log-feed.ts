import type { EventLog, StoredEvent } from '@ledgerlift/event-log';

export type Projection = (event: StoredEvent) => void;

/**
 * Passes every event of the log, in order, to the planner's projections: the whole log at start, then each event as it is
 * appended.
 */
export class LogFeed {
  readonly #projections: Projection[] = [];
  readonly #stop = new AbortController();
  #position: string | undefined;
  #running: Promise<void> | undefined;

  constructor(private readonly log: EventLog) {}

  add(projection: Projection): void {
    this.#projections.push(projection);
  }

  /** Resolves once every event that is in the log now has been applied. */
  async start(): Promise<void> {
    for await (const event of this.log.readAll({})) this.#apply(event);
    this.#running = this.#follow();
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
  }
}
