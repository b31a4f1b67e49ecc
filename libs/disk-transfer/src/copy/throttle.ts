import { setTimeout as sleep } from 'node:timers/promises';

/** A bucket holds at most so much time's worth of bytes, so that a pause is not followed by a burst. */
const BURST_SECONDS = 0.25;
/** So that a changed rate, or an abort, is noticed soon, however slow it goes. */
const LONGEST_SLEEP_MS = 200;

/** A bandwidth limit shared by the copies of several disks; may be changed while they run. */
export class Throttle {
  #tokens = 0;
  #filledAt = performance.now();

  constructor(private bytesPerSecond?: number) {}

  /** @param bytesPerSecond undefined: as fast as it goes */
  setRate(bytesPerSecond: number | undefined): void {
    this.#fill();
    this.bytesPerSecond = bytesPerSecond;
  }

  /** Resolves when `bytes` may be moved. @throws the signal's reason */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#fill();
    // Whoever comes may go into debt, and whoever comes next waits until it is paid: so no size is too large.
    while (this.bytesPerSecond !== undefined && this.#tokens < 0) {
      const wait = Math.min(LONGEST_SLEEP_MS, (-this.#tokens / this.bytesPerSecond) * 1000);
      await sleep(Math.max(wait, 1), undefined, { signal });
      this.#fill();
    }
    if (this.bytesPerSecond !== undefined) this.#tokens -= bytes;
  }

  #fill(): void {
    const now = performance.now();
    const rate = this.bytesPerSecond;
    const seconds = (now - this.#filledAt) / 1000;
    this.#filledAt = now;
    this.#tokens = rate === undefined ? 0 : Math.min(rate * BURST_SECONDS, this.#tokens + rate * seconds);
  }
}
