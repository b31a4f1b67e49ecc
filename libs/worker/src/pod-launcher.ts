import { setTimeout as delay } from 'node:timers/promises';
import {
  type PodCredentialRequest,
  PodCredentialAnswer,
  StepName,
  type StepRequestedData,
  type VmRecord,
  subjects,
} from '@ledgerlift/contracts';
import { type BusLogger, type Received, RequestTimedOut, request } from '@ledgerlift/messaging';
import type { NatsConnection } from '@nats-io/nats-core';
import type { StepHandlers } from './attempt.js';
import { type UserKey, credsOf, expiryIn, freshKey, keyIn } from './planner-client.js';
import { StepRunner } from './step-runner.js';

/** The attempt for which a pod is wanted. */
export interface PodWanted {
  readonly record: VmRecord;
  /** Number of the requested attempt. */
  readonly generation: number;
  /** The site from which the target is reached; the pod's own site is `{site}.{pod}`. */
  readonly site: string;
  readonly signal: AbortSignal;
  /** Checks that the attempt is still open. @throws PodNotWanted if it is not */
  stillOurs(): Promise<void>;
  /**
   * The pod's credential for NATS, as a creds file. A secret.
   *
   * @param before its earlier credential; a pod keeps its key, because replies come to a subject named after it
   * @throws PodNotWanted if the attempt is no longer open
   */
  credential(before: string | undefined): Promise<string>;
}

/** Makes sure that a pod is running or starting. */
export type EnsurePod = (wanted: PodWanted) => Promise<'running' | 'starting'>;

/** The attempt for which a pod was requested has ended, so no pod is made. */
export class PodNotWanted extends Error {}

export interface PodLauncherOptions {
  readonly nc: NatsConnection;
  readonly site: string;
  readonly workerId: string;
  readonly ensure: EnsurePod;
  readonly logger: BusLogger;
  readonly now: () => number;
  /** How long to ask the planner before handing the message back, in milliseconds. */
  readonly askMs?: number;
}

const ASK_MS = 15_000;
/** A credential with less time left is replaced. Longer than any step runs without another request. */
const RENEW_MS = 6 * 60 * 60_000;

/**
 * Has the pods of a site made for their requested attempts, each time a request is published, so that a pod that ended in
 * between is made again. An attempt whose pod cannot be made is claimed here, and fails with the cause.
 */
export class PodLauncher {
  readonly #options: PodLauncherOptions;
  readonly #closing = new AbortController();
  readonly #failing = new Set<StepRunner>();

  constructor(options: PodLauncherOptions) {
    this.#options = options;
  }

  /**
   * Handles one request for a pod; resolves when nothing more is needed here.
   * @throws RequestTimedOut while the planner is away, or the shutdown's reason: the message is delivered again, here or elsewhere
   */
  async handle(received: Received<StepRequestedData>): Promise<void> {
    const { logger, ensure } = this.#options;
    const { event, data } = received;
    const about = { stream: event.subject, step: data.step, attempt: data.attempt, site: data.site };
    try {
      const record = await this.#ask(about, freshKey()).then((granted) => granted.record);
      const state = await ensure(this.#wanted(about, record));
      logger.info({ ...about, state }, 'ensured that the VM has a worker pod');
    } catch (error) {
      // While the planner is away nothing has failed: the message is delivered again.
      if (this.#closing.signal.aborted || error instanceof RequestTimedOut) throw error;
      if (error instanceof PodNotWanted) {
        logger.info({ ...about, reason: error.message }, 'not creating a worker pod');
        return;
      }
      await this.#fail(received, error);
    }
  }

  /** Stops making pods. */
  async shutdown(): Promise<void> {
    this.#closing.abort(new Error('the process ends'));
    await Promise.all([...this.#failing].map((runner) => runner.shutdown()));
  }

  #wanted(about: About, record: VmRecord): PodWanted {
    const { now } = this.#options;
    return {
      record,
      generation: about.attempt,
      site: about.site.slice(0, about.site.indexOf('.')),
      signal: this.#closing.signal,
      stillOurs: async () => {
        await this.#ask(about, freshKey());
      },
      credential: async (before) => {
        const known = before === undefined ? undefined : keyIn(before);
        if (before !== undefined && known !== undefined && expiryIn(before) - now() > RENEW_MS) return before;
        const key = known ?? freshKey();
        return credsOf(key, (await this.#ask(about, key)).userJwt);
      },
    };
  }

  async #ask(about: About, key: UserKey): Promise<Extract<PodCredentialAnswer, { granted: true }>> {
    const body: PodCredentialRequest = { ...about, userPublicKey: key.publicKey };
    const [site = ''] = about.site.split('.');
    const { nc, askMs = ASK_MS } = this.#options;
    const answer = await request(nc, subjects.podCredential(site), PodCredentialAnswer, body, {
      timeoutMs: askMs,
      signal: this.#closing.signal,
    });
    if (!answer.granted) throw new PodNotWanted(answer.reason);
    return answer;
  }

  /** Claims the attempt, which no pod will, to report the cause: the planner then decides what follows. */
  async #fail(received: Received<StepRequestedData>, error: unknown): Promise<void> {
    const { nc, workerId, logger } = this.#options;
    const fails = (): Promise<never> =>
      Promise.reject(error instanceof Error ? error : new Error(String(error)));
    const handlers: StepHandlers = Object.fromEntries(StepName.options.map((step) => [step, fails]));
    const runner = new StepRunner({
      nc,
      service: received.data.service,
      site: received.data.site,
      workerId,
      slots: 1,
      handlers,
      logger,
    });
    this.#failing.add(runner);
    await runner.handle(received);
    void this.#ended(runner);
  }

  async #ended(runner: StepRunner): Promise<void> {
    while (runner.running.length > 0 && !this.#closing.signal.aborted)
      await delay(200, undefined, { signal: this.#closing.signal, ref: false }).catch(() => undefined);
    this.#failing.delete(runner);
  }
}

type About = Pick<PodCredentialRequest, 'stream' | 'step' | 'attempt' | 'site'>;
