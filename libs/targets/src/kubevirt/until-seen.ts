import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { LedgerliftError } from '@ledgerlift/contracts';
import { z } from 'zod';
import type { ApiResource } from './addresses.js';
import type { KubernetesConnection } from './connection.js';
import { KubernetesForbidden, KubernetesNotFound } from './errors.js';
import { type Selection, queryOf } from './objects.js';

/** Objects whose changes are waited for. */
export interface Watched {
  readonly kind: ApiResource;
  readonly selection: Selection;
}

export interface WaitTimes {
  /** Before a broken watch is made again: first, and at most; doubled each time. */
  readonly retryMs: readonly [first: number, most: number];
  /** It is looked again after this time, though nothing was heard: what is waited for may depend on time, too. */
  readonly lookMs: number;
  /** How long a watch may be silent: API servers send a bookmark about each minute. */
  readonly silenceMs: number;
  /** How long a refusal must last to be believed: an API server that has just started knows neither roles nor custom kinds. */
  readonly refusedMs: number;
}

export const WAIT_TIMES: WaitTimes = {
  retryMs: [500, 15_000],
  lookMs: 15_000,
  silenceMs: 150_000,
  refusedMs: 30_000,
};

// After so long the API server ends a watch in order, so that none is for ever at one of several servers.
const WATCH_SECONDS = '300';
const List = z.object({ metadata: z.object({ resourceVersion: z.string() }) });

/**
 * Looks at the start, and again whenever a watched object may have changed, until there is something to return. A watch only wakes:
 * what counts is what `look` reads, so that an event that was missed, or came twice, changes nothing. Watches that break, or that are too
 * old for the API server (410), are made again, and an API server that cannot be reached for a while is waited for.
 *
 * @param look returns undefined while it is to be waited; its errors end the wait, unless they are transient
 * @throws what `look` throws; the signal's reason once aborted; what is refused for longer than `refusedMs`, such as a missing right
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
        // Of `look`, an error that is none of ours is a fault.
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
    // A watch ends in order now and then; one that ends at once every time must not keep the API server busy.
    let [waitMs] = times.retryMs;
    try {
      const list = { verb: 'list', kind, address, query: { ...query, limit: '1' }, signal } as const;
      const { resourceVersion } = (await connection.read(list, List)).metadata;
      // What changed before this version is seen by the look that this wakes, and what changes later by the watch.
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

/** What an event says is not read: it may also be that the watch is too old (410), after which the stream ends. */
async function ringAtEvents(stream: IncomingMessage, alarm: Alarm): Promise<void> {
  for await (const _ of stream) alarm.ring();
}

/** How long to wait after an error, and when to wait no longer. */
class Patience {
  readonly #times: WaitTimes;
  #waitMs: number;
  #refusedSince: number | undefined;

  constructor(times: WaitTimes) {
    this.#times = times;
    [this.#waitMs] = times.retryMs;
  }

  /** What was asked for works again. */
  restore(): void {
    [this.#waitMs] = this.#times.retryMs;
    this.#refusedSince = undefined;
  }

  /** @throws the error, where waiting does not help */
  waitMs(error: unknown): number {
    // A stream that breaks throws errors of Node's, and is no reason to give up.
    if (error instanceof LedgerliftError && error.failure !== 'transient') {
      const isOfStart =
        error instanceof KubernetesForbidden ||
        (error instanceof KubernetesNotFound && error.missing === 'kind');
      this.#refusedSince ??= performance.now();
      if (!isOfStart || performance.now() - this.#refusedSince >= this.#times.refusedMs) throw error;
    }
    const waitMs = this.#waitMs;
    this.#waitMs = Math.min(waitMs * 2, this.#times.retryMs[1]);
    return waitMs;
  }
}

/** Wakes one waiter; what rang before it waits is not lost. */
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

  /** @throws what it was failed with; the signal's reason once aborted */
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
