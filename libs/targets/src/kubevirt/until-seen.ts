import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { LedgerliftError } from '@ledgerlift/contracts';
import { z } from 'zod';
import type { ApiResource } from './resources.js';
import { isOfStart } from './answers.js';
import type { KubernetesConnection } from './connection.js';
import { type Selection, queryOf } from './objects.js';

/** Objects whose changes wake the wait. */
export interface Watched {
  readonly kind: ApiResource;
  readonly selection: Selection;
}

export interface WaitTimes {
  /** Delay before reopening a broken watch: the first and the longest; doubles each time. */
  readonly retryMs: readonly [first: number, most: number];
  /** Looks again after this time even without an event, because the result may depend on time. */
  readonly lookMs: number;
  /** How long a watch may be silent: API servers send a bookmark about each minute. */
  readonly silenceMs: number;
  /** How long to retry a refusal: an API server that has just started knows neither roles nor custom kinds. */
  readonly refusedMs: number;
}

export const WAIT_TIMES: WaitTimes = {
  retryMs: [500, 15_000],
  lookMs: 15_000,
  silenceMs: 150_000,
  refusedMs: 30_000,
};

// The API server ends each watch after this time, so that watches spread over several servers.
const WATCH_SECONDS = '300';
const List = z.object({ metadata: z.object({ resourceVersion: z.string() }) });

/**
 * Calls `look` at the start, and again whenever a watched object may have changed, until it returns a result. Watches only wake it and
 * `look` reads the state, so missed or repeated events do no harm. Reopens watches that break or are too old for the API server (410),
 * and waits while the API server is unreachable.
 *
 * @param look returns undefined to keep waiting; its errors end the wait unless they are transient
 * @throws errors of `look`; the signal's reason if aborted; a refusal that lasts longer than `refusedMs`, such as a missing right
 */
export async function untilSeen<T>(
  connection: KubernetesConnection,
  watched: readonly Watched[],
  look: () => Promise<T | undefined>,
  signal: AbortSignal,
  times: WaitTimes = WAIT_TIMES,
): Promise<T> {
  const over = new AbortController();
  const alarm = new Alarm();
  const both = AbortSignal.any([signal, over.signal]);
  const watches = watched.map((each) =>
    keepWatch(connection, each, alarm, both, times).catch((error: unknown) => {
      if (!both.aborted) alarm.fail(error);
    }),
  );
  const patience = new Patience(times);
  try {
    for (;;) {
      alarm.reset();
      let waitMs = times.lookMs;
      try {
        const seen = await look();
        if (seen !== undefined) return seen;
        patience.restore();
      } catch (error) {
        signal.throwIfAborted();
        // An error of `look` that is not one of ours is a bug.
        if (!(error instanceof LedgerliftError)) throw error;
        waitMs = patience.waitMs(error);
      }
      await alarm.rung(waitMs, signal);
    }
  } finally {
    over.abort();
    await Promise.all(watches);
  }
}

async function keepWatch(
  connection: KubernetesConnection,
  { kind, selection }: Watched,
  alarm: Alarm,
  signal: AbortSignal,
  times: WaitTimes,
): Promise<void> {
  const address = { namespace: selection.namespace };
  const query = queryOf(selection);
  const patience = new Patience(times);
  while (!signal.aborted) {
    // Watches end normally now and then, but one that always ends at once must not overload the API server.
    let [waitMs] = times.retryMs;
    try {
      const list = { verb: 'list', kind, address, query: { ...query, limit: '1' }, signal } as const;
      const { resourceVersion } = (await connection.read(list, List)).metadata;
      // The look that this wakes sees changes before this version; the watch sees later ones.
      alarm.ring();
      const stream = await connection.open(
        {
          verb: 'watch',
          kind,
          address,
          query: { ...query, resourceVersion, allowWatchBookmarks: 'true', timeoutSeconds: WATCH_SECONDS },
          signal,
        },
        times.silenceMs,
      );
      patience.restore();
      await ringAtEvents(stream, alarm);
    } catch (error) {
      if (signal.aborted) return;
      waitMs = patience.waitMs(error);
    }
    await delay(waitMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Ignores the content of events. One may also say that the watch is too old (410), after which the stream ends. */
async function ringAtEvents(stream: IncomingMessage, alarm: Alarm): Promise<void> {
  for await (const _ of stream) alarm.ring();
}

/** Decides how long to wait after an error, and when to give up. */
class Patience {
  readonly #times: WaitTimes;
  #waitMs: number;
  #refusedSince: number | undefined;

  constructor(times: WaitTimes) {
    this.#times = times;
    [this.#waitMs] = times.retryMs;
  }

  /** Call when requests succeed again. */
  restore(): void {
    [this.#waitMs] = this.#times.retryMs;
    this.#refusedSince = undefined;
  }

  /** @throws the error if waiting does not help */
  waitMs(error: unknown): number {
    // A broken stream throws Node's own errors, which are no reason to give up.
    if (error instanceof LedgerliftError && error.failure !== 'transient') {
      this.#refusedSince ??= performance.now();
      if (!isOfStart(error) || performance.now() - this.#refusedSince >= this.#times.refusedMs) throw error;
    }
    const waitMs = this.#waitMs;
    this.#waitMs = Math.min(waitMs * 2, this.#times.retryMs[1]);
    return waitMs;
  }
}

/** Wakes one waiter. Remembers a ring that comes before the wait. */
class Alarm {
  #hasRung = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  reset(): void {
    this.#hasRung = false;
  }

  ring(): void {
    this.#hasRung = true;
    this.#wake?.();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake?.();
  }

  /** @throws the error that it was failed with; the signal's reason if aborted */
  async rung(mostMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#hasRung && this.#failure === undefined) {
      const woken = new AbortController();
      this.#wake = () => {
        woken.abort();
      };
      await delay(mostMs, undefined, { signal: AbortSignal.any([signal, woken.signal]) }).catch(
        () => undefined,
      );
      this.#wake = undefined;
    }
    signal.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
