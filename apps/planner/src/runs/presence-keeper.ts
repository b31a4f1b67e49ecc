import type { EventLog, StoredEvent } from '@ledgerlift/event-log';
import { type Absence, type Presence, evolveAbsences, returnOf } from '@ledgerlift/migration';
import { DecidedStreams } from '../log/decided-streams.js';
import type { EventWriter } from '../log/event-writer.js';
import { PLANNER_STREAM, systemContext } from './stream-names.js';

/** How the keeper sees the bus. */
export interface BusPresence {
  isConnected(): boolean;
  /** The planner was away: what waits on the bus from now on is its backlog. */
  restart(): void;
  /** Whether the reports that waited are in the log. Rejects while JetStream does not answer. */
  isTaken(): Promise<boolean>;
}

export interface PresenceKeeperOptions {
  readonly bus: BusPresence;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Told each time the planner has returned, after that is in the log. */
  readonly returned: () => void;
}

interface Away {
  readonly since: number | undefined;
  readonly after: 'start' | 'bus' | 'stall';
}

/** The process looks after itself every second; with a longer gap it was stopped, or its machine slept. */
const STALL_MS = 3000;

/**
 * Knows whether this planner leads and can be reached, and records in the log when it could not. No time limit and no
 * lease ends while it is away: at start until the reports that waited have been taken, while NATS is gone, and after the
 * process stood still.
 */
export class PresenceKeeper {
  readonly #recorded: DecidedStreams<readonly Absence[]>;
  #lastLedAt: number | undefined;
  /** Since when and why it is away; undefined: it leads. */
  #away: Away | undefined;
  #hasBegun = false;
  #ticking: Promise<void> | undefined;

  constructor(
    log: EventLog,
    writer: EventWriter,
    private readonly options: PresenceKeeperOptions,
  ) {
    this.#away = { since: undefined, after: 'start' };
    this.#recorded = new DecidedStreams<readonly Absence[]>(
      log,
      writer,
      (stream) => stream === PLANNER_STREAM,
      () => [],
      evolveAbsences,
    );
  }

  /**
   * Takes an event of the log: each one that was there at the start shows that a planner led when it was written. Of this
   * planner's own only its ticks do: after a standstill it may write before it has looked after itself.
   */
  restore(event: StoredEvent): void {
    this.#recorded.restore(event);
    if (this.#hasBegun) return;
    const time = Date.parse(event.time);
    if (this.#lastLedAt === undefined || time > this.#lastLedAt) this.#lastLedAt = time;
  }

  /** The whole log was taken in: what comes from now on is this planner's own. */
  begin(): void {
    this.#hasBegun = true;
    this.#away = { since: this.#lastLedAt, after: 'start' };
  }

  /** What time limits may count, as of now. */
  get presence(): Presence {
    this.#notice();
    return { absences: this.#recorded.state(PLANNER_STREAM), isAway: this.#away !== undefined };
  }

  /** To be called every second. Records a return once the bus is there and its backlog is taken. */
  tick(): Promise<void> {
    this.#ticking ??= this.#look().finally(() => {
      this.#ticking = undefined;
    });
    return this.#ticking;
  }

  /** The planner is about to stop in an orderly way: until now it led. */
  async stopped(): Promise<void> {
    const context = systemContext(PLANNER_STREAM);
    await this.#recorded.execute(PLANNER_STREAM, () => [{ type: 'PlannerStopped', data: {} }], context);
  }

  async #look(): Promise<void> {
    const { bus, now } = this.options;
    this.#notice();
    if (!bus.isConnected()) this.#leave('bus');
    const away = this.#away;
    if (away === undefined) {
      this.#lastLedAt = now();
      return;
    }
    if (!bus.isConnected() || !(await bus.isTaken())) return;
    await this.#return(away);
  }

  async #return({ since, after }: Away): Promise<void> {
    const at = this.options.now();
    // With an empty log nothing can have been missed.
    await this.#recorded.execute(
      PLANNER_STREAM,
      () => returnOf(since ?? at, at, after),
      systemContext(PLANNER_STREAM),
    );
    this.#lastLedAt = at;
    this.#away = undefined;
    this.options.returned();
  }

  #notice(): void {
    if (this.#lastLedAt !== undefined && this.options.now() - this.#lastLedAt > STALL_MS)
      this.#leave('stall');
  }

  #leave(after: 'bus' | 'stall'): void {
    if (this.#away !== undefined) return;
    this.#away = { since: this.#lastLedAt, after };
    this.options.bus.restart();
  }
}
