import { AppendFailed, LogLostEvents, LogTakenOver } from './errors.js';
import type { PlacedAppend } from './placed-append.js';
import type { AppendResult } from './port.js';

interface Pending {
  readonly append: PlacedAppend;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

export type Outcome = AppendResult | Error;

export interface AppendQueueOptions {
  /** Appends in one transaction. @returns the outcome of each, in their order */
  readonly commit: (group: readonly PlacedAppend[]) => Promise<readonly Outcome[]>;
  /** Called after each transaction. */
  readonly onCommitted: () => void;
  /** Whether an error means that the server is away, and every append would fail with it. */
  readonly isAway: (error: unknown) => boolean;
  /** The most bytes of content in one transaction of several appends. */
  readonly largestBytes?: number;
}

/** The most events in one transaction of several appends. */
const LARGEST_EVENTS = 2000;

/** Appends for one process, one transaction at a time. What comes while a transaction is under way shares the next one. */
export class AppendQueue {
  #pending: Pending[] = [];
  #running: Promise<void> | undefined;

  constructor(private readonly options: AppendQueueOptions) {}

  add(append: PlacedAppend): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ append, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when everything that was added is answered. */
  async flush(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    const { largestBytes = Infinity, onCommitted } = this.options;
    while (this.#pending.length > 0) {
      let [count, events, bytes] = [0, 0, 0];
      for (const { append } of this.#pending) {
        events += append.events.length;
        for (const { content } of append.events) bytes += Buffer.byteLength(content);
        if (count > 0 && (events > LARGEST_EVENTS || bytes > largestBytes)) break;
        count += 1;
      }
      await this.#commit(this.#pending.splice(0, count));
      onCommitted();
    }
    this.#running = undefined;
  }

  async #commit(group: readonly Pending[]): Promise<void> {
    try {
      const outcomes = await this.options.commit(group.map(({ append }) => append));
      for (const [index, { resolve, reject }] of group.entries()) {
        const outcome = outcomes[index];
        if (outcome === undefined || outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      }
    } catch (error) {
      const isForAll = error instanceof LogTakenOver || error instanceof LogLostEvents;
      const isAway = this.options.isAway(error);
      // One append may be the cause, so each gets its own transaction and result.
      if (group.length > 1 && !isForAll && !isAway)
        for (const pending of group) await this.#commit([pending]);
      else
        for (const { append, reject } of group)
          reject(isForAll ? error : new AppendFailed(append.stream, error));
    }
  }
}
