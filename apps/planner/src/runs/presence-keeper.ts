import type { EventLog, StoredEvent } from '@ledgerlift/event-log';
import { type Absence, type Presence, evolveAbsences, returnOf } from '@ledgerlift/migration';
import { DecidedStreams } from '../log/decided-streams.js';
import type { EventWriter } from '../log/event-writer.js';
import { PLANNER_STREAM, systemContext } from './stream-names.js';

/** The keeper's view of the bus. */
export interface BusPresence {
  isConnected(): boolean;
  /** Called when the planner becomes away: the messages that wait at the next `isTaken` are its backlog. */
  restart(): void;
  /** Whether the reports in the backlog have been handled. Rejects while JetStream does not answer. */
  isTaken(): Promise<boolean>;
}

export interface PresenceKeeperOptions {
  readonly bus: BusPresence;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called each time the planner has returned, after any event about it is in the log. */
  readonly returned: () => void;
}

interface Away {
  readonly since: number | undefined;
  readonly after: 'start' | 'bus' | 'stall';
}

/** The process checks its clock every second; a longer gap means it was stopped or the machine slept. */
const STALL_MS = 3000;

/**
 * Knows whether this planner leads and can be reached, and logs its longer absences. The planner is away from its start until
 * the waiting reports have been handled, while NATS is disconnected, and after the process stood still. No time limit and no
 * lease ends while it is away.
 */
export class PresenceKeeper {
  readonly #recorded: DecidedStreams<readonly Absence[]>;
  #lastLedAt: number | undefined;
  /** Since when the planner is away, and why; undefined while it leads. */
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
   * Takes an event of the log. Each event from before the start shows that a planner led when it was written. Later events show
   * nothing, only ticks do: after a standstill, the process may append before it checks its clock.
   */
  restore(event: StoredEvent): void {
    this.#recorded.restore(event);
    if (this.#hasBegun) return;
    const time = Date.parse(event.time);
    if (this.#lastLedAt === undefined || time > this.#lastLedAt) this.#lastLedAt = time;
  }

  /** The whole log has been read: from now on, events are this planner's own. */
  begin(): void {
    this.#hasBegun = true;
    this.#away = { since: this.#lastLedAt, after: 'start' };
  }

  /** When the planner was away, and whether it is away now. Time limits count no such time. */
  get presence(): Presence {
    this.#notice();
    return { absences: this.#recorded.state(PLANNER_STREAM), isAway: this.#away !== undefined };
  }

  /** Call it every second. Records a return once NATS is connected and the backlog has been handled. */
  tick(): Promise<void> {
    this.#ticking ??= this.#look().finally(() => {
      this.#ticking = undefined;
    });
    return this.#ticking;
  }

  /** Records an orderly stop, which shows that the planner led until now. */
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
    // `since` is undefined if the log was empty: then nothing can have been missed.
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
