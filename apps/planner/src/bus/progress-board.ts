import { Progress, subjects } from '@ledgerlift/contracts';
import type { StoredEvent } from '@ledgerlift/event-log';
import type { Msg, NatsConnection, Subscription } from '@nats-io/nats-core';

/** Events that end an attempt. */
const ENDS = new Set(['StepCompleted', 'StepFailed', 'StepStopped', 'SourceRanMeanwhile']);

/** Latest progress of each VM, as workers report it over core NATS. Kept in memory only. */
export class ProgressBoard {
  readonly #latest = new Map<string, Progress>();
  #subscription: Subscription | undefined;
  #said: (stream: string) => void = () => undefined;

  /** @param said called with the stream of each new progress */
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

  /** Drops the progress of an attempt that is over. */
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
      // The sender may not have access to the subjects of the VM that the body names.
      if (subject !== subjects.progress(progress.data.ref.stream)) return;
      this.#latest.set(progress.data.ref.stream, progress.data);
      this.#said(progress.data.ref.stream);
    } catch {
      // Not JSON, so no worker sent it; and losing progress is harmless.
    }
  }
}
