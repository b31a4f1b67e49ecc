import { WakeUp } from '../wake-up.js';
import { type Recorded, type Server, positionOf } from './server.js';

/** Events that wait for their reader; more are left at the server. */
const LARGEST_BUFFER = 1000;
const RECONNECT_MS = 500;

/** The log's events after a position, from one subscription after another. */
export class Feed {
  #buffer: Recorded[] = [];
  readonly #changed = new WakeUp();
  #subscription: ReturnType<Server['subscription']> | undefined;
  #reconnecting: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** @param position all events up to it were taken; 0 for none */
  constructor(
    private readonly server: Server,
    private position: bigint,
  ) {
    this.#connect();
  }

  /** The next events; none if they have not come yet. */
  take(most: number): readonly Recorded[] {
    const events = this.#buffer.splice(0, most);
    if (this.#buffer.length < LARGEST_BUFFER) this.#subscription?.resume();
    return events;
  }

  /** Resolves when there may be more events, when the signal aborts, or after `atMostMs`. */
  async sleep(signal: AbortSignal, atMostMs?: number): Promise<void> {
    if (this.#buffer.length === 0 && !this.#isStopped) await this.#changed.sleep(signal, atMostMs);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#reconnecting);
    void this.#subscription?.unsubscribe().catch(() => undefined);
    this.#changed.wake();
  }

  #connect(): void {
    let received = 0;
    let checkpoint: { readonly at: bigint; readonly after: number } | undefined;
    const subscription = this.server.subscription(
      this.position === 0n ? 'start' : positionOf(this.position),
      ({ commit }) => {
        // It holds once the events before it are here.
        checkpoint = { at: commit, after: received + subscription.readableLength };
      },
    );
    this.#subscription = subscription;
    const lost = (): void => {
      if (this.#subscription !== subscription || this.#isStopped) return;
      this.#subscription = undefined;
      subscription.destroy();
      if (checkpoint !== undefined && checkpoint.after <= received && checkpoint.at > this.position)
        this.position = checkpoint.at;
      this.#reconnecting = setTimeout(() => this.#connect(), RECONNECT_MS);
    };
    subscription
      .on('data', ({ event }) => {
        received += 1;
        const commit = event?.position?.commit ?? 0n;
        if (event === undefined || commit <= this.position || this.#subscription !== subscription) return;
        this.position = commit;
        this.#buffer.push(event);
        if (this.#buffer.length >= LARGEST_BUFFER) subscription.pause();
        this.#changed.wake();
      })
      .on('error', lost)
      .on('end', lost)
      .on('close', lost);
  }
}
