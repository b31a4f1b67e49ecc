import { type Attempt, LeaseLost } from '@ledgerlift/worker';

/** How an attempt's I/O ends before its work is done. */
export interface Endings {
  /** Now: the lease is about to end, and the next attempt may have the disks. */
  readonly now: AbortSignal;
  /** In order: what was reached is flushed and checkpointed first. */
  readonly inOrder: AbortSignal;
  /** Either. */
  readonly any: AbortSignal;
  /** Ends in order, for a reason of the handler's own. */
  end(reason: unknown): void;
}

export function endingsOf({ signal }: Attempt): Endings {
  const [now, inOrder] = [new AbortController(), new AbortController()];
  const abort = (): void => (signal.reason instanceof LeaseLost ? now : inOrder).abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return {
    now: now.signal,
    inOrder: inOrder.signal,
    any: AbortSignal.any([now.signal, inOrder.signal]),
    end: (reason) => inOrder.abort(reason),
  };
}
