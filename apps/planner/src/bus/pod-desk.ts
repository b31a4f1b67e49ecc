import type { PodCredentialAnswer, PodCredentialRequest } from '@ledgerlift/contracts';
import { openAttempt } from '@ledgerlift/migration';
import type { RunStates } from '../runs/run-states.js';
import { type PodSigning, mintPodCredential, readSigner } from './pod-credentials.js';

/** Long enough for most copies. A pod that outlives it gets another, or its attempt is retried and continues. */
const LIFETIME_MS = 12 * 60 * 60_000;

export interface PodDeskOptions {
  readonly signing: PodSigning;
  readonly now: () => number;
  /** Largest message that the NATS server accepts, in bytes. */
  readonly maxPayload: () => number;
  readonly lifetimeMs?: number;
}

/** Grants sites the credentials of their pods. Nothing is logged or recorded: a repeated request gets a new credential. */
export class PodDesk {
  constructor(
    private readonly states: Pick<RunStates, 'vm'>,
    private readonly options: PodDeskOptions,
  ) {}

  /** Whether there is a key to sign with. */
  get isSetUp(): boolean {
    return this.options.signing.seedFile !== undefined;
  }

  /**
   * Grants a credential if the VM's open attempt is requested from this pod. It covers all services that the pod provides.
   * @throws BadSetting if the planner has no usable signing key
   */
  async grant(request: PodCredentialRequest): Promise<PodCredentialAnswer> {
    const { stream, step, attempt, site, userPublicKey } = request;
    const { signing, now, maxPayload, lifetimeMs = LIFETIME_MS } = this.options;
    const signer = await readSigner(signing);
    const state = this.states.vm(stream);
    if (state === undefined) return { granted: false, reason: `${stream} is not known` };
    const open = openAttempt(state);
    if (open?.step !== step || open.attempt !== attempt)
      return { granted: false, reason: `attempt ${attempt} of ${step} of ${stream} is not open` };
    if (open.site !== site)
      return {
        granted: false,
        reason: `${step} of ${stream} is asked of the site ${open.site}, not of ${site}`,
      };
    // All services that the itinerary requests from the pod: its containers share one credential and keep it while it is valid.
    const { itinerary } = state;
    const services = [
      ...new Set(itinerary.filter((each) => each.site === site).map(({ service }) => service)),
    ];
    const at = now();
    const userJwt = await mintPodCredential(signer, {
      stream,
      site,
      services,
      userPublicKey,
      now: at,
      lifetimeMs,
      maxPayload: maxPayload(),
    });
    const expiresAt = new Date(Math.floor((at + lifetimeMs) / 1000) * 1000).toISOString();
    return { granted: true, record: state.record, userJwt, expiresAt, services };
  }
}
