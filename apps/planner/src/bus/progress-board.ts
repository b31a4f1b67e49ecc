import { Progress, subjects } from '@ledgerlift/contracts';
import type { StoredEvent } from '@ledgerlift/event-log';
import type { Msg, NatsConnection, Subscription } from '@nats-io/nats-core';

/** Events with which an attempt is over. */
const ENDS = new Set(['StepCompleted', 'StepFailed', 'StepStopped', 'SourceRanMeanwhile']);

/** The latest progress of each VM, as workers say it over core NATS. Not history: gone with the process. */
export class ProgressBoard {
  readonly #latest = new Map<string, Progress>();
  #subscription: Subscription | undefined;
  #said: (stream: string) => void = () => undefined;

  /** @param said told of each stream whose progress came */
  listen(nc: NatsConnection, said: (stream: string) => void): void {
    this.#said = said;
    this.#subscription = nc.subscribe(subjects.allProgress, {
      callback: (error, message) => {
        if (error === null) this.#take(message);
      },
    });
  }

  of(stream: string): Progress | undefined {
    return this.#latest.get(stream);
  }

  /** Progress of an attempt that is over says nothing any more, and would only take memory. */
  apply({ type, stream }: Pick<StoredEvent, 'type' | 'stream'>): void {
    if (ENDS.has(type)) this.#latest.delete(stream);
  }

  close(): void {
    this.#subscription?.unsubscribe();
  }

  #take({ subject, data }: Msg): void {
    try {
      const progress = Progress.safeParse(JSON.parse(new TextDecoder().decode(data)));
      if (!progress.success) return;
      // Who speaks of one VM on another's subject may not be allowed to speak of it.
      if (subject !== subjects.progress(progress.data.ref.stream)) return;
      this.#latest.set(progress.data.ref.stream, progress.data);
      this.#said(progress.data.ref.stream);
    } catch {
      // Not JSON: whoever sent it, it is no progress of ours, and losing progress harms nobody.
    }
  }
}
