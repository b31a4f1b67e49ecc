/** Lets many callers sleep until something happens, and cleans up after each. */
export class WakeUp {
  readonly #sleepers = new Set<() => void>();

  /** Wakes all current sleepers. */
  wake(): void {
    for (const sleeper of [...this.#sleepers]) sleeper();
  }

  /** Resolves at the next `wake`, when the signal aborts, or after `atMostMs`. */
  sleep(signal: AbortSignal, atMostMs?: number): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const timer = atMostMs === undefined ? undefined : setTimeout(() => awake(), atMostMs);
      const awake = (): void => {
        this.#sleepers.delete(awake);
        signal.removeEventListener('abort', awake);
        clearTimeout(timer);
        resolve();
      };
      this.#sleepers.add(awake);
      signal.addEventListener('abort', awake);
    });
  }
}
