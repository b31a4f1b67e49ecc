/** setTimeout takes at most 31 bits of milliseconds. For a later due time, the timer is set again when it fires. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** Calls `due` for a stream at its due time. Due times come from the log, from which a restart sets the timers again. */
export class DueTimers {
  readonly #timers = new Map<string, { readonly dueAt: number; readonly timer: NodeJS.Timeout }>();

  constructor(private readonly due: (stream: string) => void) {}

  /** @param dueAt milliseconds since 1970; undefined cancels the timer */
  set(stream: string, dueAt: number | undefined): void {
    const known = this.#timers.get(stream);
    if (known?.dueAt === dueAt) return;
    if (known !== undefined) {
      clearTimeout(known.timer);
      this.#timers.delete(stream);
    }
    if (dueAt === undefined) return;
    const delay = Math.min(Math.max(dueAt - Date.now(), 0), LONGEST_TIMEOUT_MS);
    const timer = setTimeout(() => this.#fire(stream, dueAt), delay);
    this.#timers.set(stream, { dueAt, timer });
  }

  stop(): void {
    for (const { timer } of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #fire(stream: string, dueAt: number): void {
    this.#timers.delete(stream);
    if (dueAt > Date.now()) this.set(stream, dueAt);
    else this.due(stream);
  }
}
