/** Lets at most one value through in each interval: the first at once, then the last of each interval. */
export class Throttle<T> {
  readonly #send: (value: T) => void;
  readonly #intervalMs: number;
  #waiting: { readonly value: T } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(intervalMs: number, send: (value: T) => void) {
    this.#intervalMs = intervalMs;
    this.#send = send;
  }

  push(value: T): void {
    if (this.#timer !== undefined) {
      this.#waiting = { value };
      return;
    }
    this.#send(value);
    this.#timer = setTimeout(() => this.#tick(), this.#intervalMs);
  }

  /** Sends what waits, and nothing after that. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting !== undefined) this.#send(this.#waiting.value);
    this.#waiting = undefined;
  }

  #tick(): void {
    this.#timer = undefined;
    const { value } = this.#waiting ?? {};
    if (this.#waiting === undefined || value === undefined) return;
    this.#waiting = undefined;
    this.push(value);
  }
}
