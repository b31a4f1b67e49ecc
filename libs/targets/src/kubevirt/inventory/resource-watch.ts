import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { LedgerliftError } from '@ledgerlift/contracts';
import { z } from 'zod';
import { type ApiResource, described } from '../resources.js';
import type { KubernetesConnection } from '../connection.js';
import { KubernetesAnswerMalformed, KubernetesGone, KubernetesNotFound } from '../errors.js';

/** How current a watch's objects are. */
export type Knowledge =
  /** Not yet listed. */
  | { readonly state: 'unknown' }
  /** Up to date with the API server, except for events in transit. */
  | { readonly state: 'current' }
  /** Listed once, but the watch broke and is being reopened. */
  | { readonly state: 'stale'; readonly why: string }
  /** The cluster does not serve the kind. Retried in case it gets installed. */
  | { readonly state: 'not-installed' }
  /** Never listed, because the API server refuses. Retried. */
  | { readonly state: 'refused'; readonly error: LedgerliftError };

export interface WatchTimes {
  /** Delay before reopening a broken watch: the first and the longest; doubles each time. */
  readonly retryMs: readonly [first: number, most: number];
  /** Delay before checking again whether a kind is installed. */
  readonly installedMs: number;
  /** How long a watch may be silent: API servers send a bookmark about each minute. */
  readonly silenceMs: number;
}

export const WATCH_TIMES: WatchTimes = { retryMs: [1000, 30_000], installedMs: 60_000, silenceMs: 150_000 };

const PAGE = '500';
// The API server ends each watch after this time, so that watches spread over several servers.
const WATCH_SECONDS = '300';

const Metadata = z.looseObject({
  name: z.string(),
  namespace: z.string().default(''),
  resourceVersion: z.string(),
});
const Page = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(z.looseObject({ metadata: Metadata })),
});
// https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
const WatchEvent = z.discriminatedUnion('type', [
  z.object({
    type: z.enum(['ADDED', 'MODIFIED', 'DELETED']),
    object: z.looseObject({ metadata: Metadata }),
  }),
  z.object({
    type: z.literal('BOOKMARK'),
    object: z.object({ metadata: z.object({ resourceVersion: z.string() }) }),
  }),
  z.object({
    type: z.literal('ERROR'),
    object: z.object({ code: z.number().default(0), message: z.string().default('') }),
  }),
]);

/**
 * Tracks all objects of one kind with a list followed by a watch. Reopens a broken watch at the last version seen, or lists everything
 * again if the API server no longer has that version. Either way no change is missed.
 */
export class ResourceWatch<T> {
  readonly kind: ApiResource;
  /** Undefined for the whole cluster. */
  readonly namespace: string | undefined;
  readonly #connection: KubernetesConnection;
  readonly #schema: z.ZodType<T | undefined>;
  readonly #times: WatchTimes;
  #objects = new Map<string, T>();
  #version: string | undefined;
  #knowledge: Knowledge = { state: 'unknown' };
  readonly #changed = new Set<() => void>();

  /**
   * @param schema selects the fields to keep of each object, or undefined to drop it; an object that does not fit fails the watch
   * @param namespace absent for the whole cluster
   */
  constructor(
    connection: KubernetesConnection,
    kind: ApiResource,
    schema: z.ZodType<T | undefined>,
    namespace: string | undefined,
    times: WatchTimes = WATCH_TIMES,
  ) {
    this.#connection = connection;
    this.kind = kind;
    this.#schema = schema;
    this.namespace = namespace;
    this.#times = times;
  }

  get knowledge(): Knowledge {
    return this.#knowledge;
  }

  /** Ordered by `namespace/name`. */
  get objects(): readonly T[] {
    return [...this.#objects.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** Watches until the signal aborts; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const [first, most] = this.#times.retryMs;
    let waitMs = first;
    while (!signal.aborted) {
      const before = this.#version;
      try {
        if (this.#version === undefined) await this.#list(signal);
        await this.#watch(signal);
        waitMs = first;
      } catch (error) {
        if (signal.aborted) return;
        // Progress means that the watch worked, so start again with the shortest delay.
        if (this.#version !== before) waitMs = first;
        const pauseMs = this.#failed(error) ?? waitMs;
        await delay(pauseMs, undefined, { signal }).catch(() => undefined);
        waitMs = Math.min(waitMs * 2, most);
      }
    }
  }

  /** Resolves once the kind is listed, or has a known reason why not. @throws the signal's reason if aborted */
  async known(signal: AbortSignal): Promise<void> {
    while (this.#knowledge.state === 'unknown') await this.#change(signal);
  }

  async #list(signal: AbortSignal): Promise<void> {
    const objects = new Map<string, T>();
    let more: string | undefined;
    let version: string;
    do {
      const page = await this.#connection.read(
        {
          verb: 'list',
          kind: this.kind,
          address: { namespace: this.namespace },
          query: { limit: PAGE, ...(more === undefined ? {} : { continue: more }) },
          signal,
        },
        Page,
      );
      for (const object of page.items) this.#keep(objects, object);
      more = page.metadata.continue === '' ? undefined : page.metadata.continue;
      version = page.metadata.resourceVersion;
    } while (more !== undefined);
    this.#objects = objects;
    this.#version = version;
    this.#know({ state: 'current' });
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const query = {
      resourceVersion: this.#version ?? '',
      allowWatchBookmarks: 'true',
      timeoutSeconds: WATCH_SECONDS,
    };
    const stream = await this.#connection.open(
      { verb: 'watch', kind: this.kind, address: { namespace: this.namespace }, query, signal },
      this.#times.silenceMs,
    );
    this.#know({ state: 'current' });
    for await (const line of linesOf(stream)) this.#take(line);
  }

  #take(line: string): void {
    const parsed = WatchEvent.safeParse(json(line));
    if (!parsed.success) throw this.#malformed(z.prettifyError(parsed.error));
    const { type, object } = parsed.data;
    if (type === 'ERROR') {
      if (object.code === 410) throw new KubernetesGone(`watch ${described(this.kind)}`);
      throw this.#malformed(`status ${object.code}: ${object.message}`);
    }
    if (type === 'DELETED') this.#objects.delete(keyOf(object.metadata));
    if (type === 'ADDED' || type === 'MODIFIED') this.#keep(this.#objects, object);
    this.#version = object.metadata.resourceVersion;
    this.#notify();
  }

  /** @returns the delay before the next try; undefined for the usual back-off */
  #failed(error: unknown): number | undefined {
    if (error instanceof KubernetesGone) {
      this.#version = undefined;
      this.#know({ state: 'stale', why: error.message });
      return 0;
    }
    if (error instanceof KubernetesNotFound && error.missing === 'kind') {
      this.#objects = new Map();
      this.#version = undefined;
      this.#know({ state: 'not-installed' });
      return this.#times.installedMs;
    }
    const known = error instanceof LedgerliftError ? error : this.#malformed(String(error));
    // Keep the known objects until newer ones arrive.
    this.#know(
      this.#knowledge.state === 'current' || this.#knowledge.state === 'stale'
        ? { state: 'stale', why: known.message }
        : { state: 'refused', error: known },
    );
    return undefined;
  }

  #keep(objects: Map<string, T>, object: { readonly metadata: z.infer<typeof Metadata> }): void {
    const parsed = this.#schema.safeParse(object);
    if (!parsed.success) throw this.#malformed(z.prettifyError(parsed.error));
    const key = keyOf(object.metadata);
    if (parsed.data === undefined) objects.delete(key);
    else objects.set(key, parsed.data);
  }

  #malformed(why: string): KubernetesAnswerMalformed {
    return new KubernetesAnswerMalformed('the API server', `watch ${described(this.kind)}`, why);
  }

  #know(knowledge: Knowledge): void {
    this.#knowledge = knowledge;
    this.#notify();
  }

  #notify(): void {
    for (const listener of this.#changed) listener();
  }

  async #change(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        this.#changed.delete(done);
        reject(signal.reason as Error);
      };
      const done = (): void => {
        this.#changed.delete(done);
        signal.removeEventListener('abort', stop);
        resolve();
      };
      this.#changed.add(done);
      signal.addEventListener('abort', stop, { once: true });
    });
  }
}

const keyOf = ({ namespace, name }: z.infer<typeof Metadata>): string => `${namespace}/${name}`;

/** Yields the lines of a JSON stream. Throws if the stream breaks; `readline` would treat that as its end. */
async function* linesOf(stream: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  for await (const text of stream.setEncoding('utf8')) {
    const lines = (rest + (text as string)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield line;
  }
}

function json(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
