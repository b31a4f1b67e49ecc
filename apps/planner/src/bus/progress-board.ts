import { Progress, subjects } from '@ledgerlift/contracts';
import type { NatsConnection, Subscription } from '@nats-io/nats-core';

/** The latest progress of each VM, as workers say it over core NATS. Not history: gone with the process. */
export class ProgressBoard {
  readonly #latest = new Map<string, Progress>();
  #subscription: Subscription | undefined;

  listen(nc: NatsConnection): void {
    this.#subscription = nc.subscribe(subjects.allProgress, {
      callback: (error, message) => {
        if (error === null) this.#take(message.data);
      },
    });
  }

  of(stream: string): Progress | undefined {
    return this.#latest.get(stream);
  }

  /** Progress of an attempt that is over says nothing any more. */
  forget(stream: string): void {
    this.#latest.delete(stream);
  }

  close(): void {
    this.#subscription?.unsubscribe();
  }

  #take(bytes: Uint8Array): void {
    try {
      const progress = Progress.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
      if (progress.success) this.#latest.set(progress.data.ref.stream, progress.data);
    } catch {
      // Not JSON: whoever sent it, it is no progress of ours, and losing progress harms nobody.
    }
  }
}
