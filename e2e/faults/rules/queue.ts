import { setTimeout as delay } from 'node:timers/promises';
import { nextTurn } from './plan.js';
import type { RulesScript } from './script.js';

/** Within so many milliseconds of when it should, a run begins. */
const NEAR_MS = 1200;

export interface QueueOptions<S> {
  readonly first: number;
  /** The number after the last one. */
  readonly end: number;
  readonly deadline: number;
  /** How long nothing else is begun before a run whose time has nearly come: about as long as most runs take. */
  readonly worthWaitingMs: number;
  readonly draw: (run: number) => S;
}

interface Scripted {
  readonly rules: RulesScript;
}

/** The runs of a campaign in their order, but for those whose window turns while they run: these wait for the clock. */
export class RunQueue<S extends Scripted> {
  #next: number;
  readonly #parked: S[] = [];

  constructor(private readonly options: QueueOptions<S>) {
    this.#next = options.first;
  }

  /** @returns undefined: there is none left, or no time */
  async take(): Promise<S | undefined> {
    const { end, deadline, worthWaitingMs, draw } = this.options;
    while (Date.now() < deadline) {
      const [soonest] = this.#parked.toSorted((one, other) => waitMs(one) - waitMs(other));
      if (soonest !== undefined && (waitMs(soonest) < worthWaitingMs || this.#next >= end)) {
        this.#parked.splice(this.#parked.indexOf(soonest), 1);
        await delay(Math.min(waitMs(soonest), Math.max(0, deadline - Date.now())));
        return Date.now() < deadline ? soonest : undefined;
      }
      if (this.#next >= end) return undefined;
      const script = draw(this.#next);
      this.#next += 1;
      if (waitMs(script) === 0) return script;
      this.#parked.push(script);
    }
    return undefined;
  }
}

/** Until the minute turns as long after the begin as it was drawn. */
function waitMs({ rules: { window } }: Scripted): number {
  if (window === undefined || window.kind === 'open' || window.kind === 'never') return 0;
  const now = Date.now();
  const beginsAt = nextTurn(now) - window.turnsAtMs;
  const late = now - beginsAt;
  if (late < 0) return late > -NEAR_MS ? 0 : -late;
  return late < NEAR_MS ? 0 : beginsAt + 60_000 - now;
}
