import type { PodCredentialAnswer, PodCredentialRequest } from '@ledgerlift/contracts';
import { openAttempt } from '@ledgerlift/migration';
import type { RunStates } from '../runs/run-states.js';
import { type PodSigning, mintPodCredential, readSigner } from './pod-credentials.js';

/** Long enough for most copies; a pod that outlives it gets another, or its attempt is tried again and goes on. */
const LIFETIME_MS = 12 * 60 * 60_000;

export interface PodDeskOptions {
  readonly signing: PodSigning;
  readonly now: () => number;
  /** How large a message may be on this NATS, in bytes. */
  readonly maxPayload: () => number;
  readonly lifetimeMs?: number;
}

/** Where a site gets the credentials of its pods. Nothing of it is logged or recorded: who asks again gets another. */
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
   * Grants a credential for the VM's open attempt, if that is asked of this pod; it is good for all that the pod will be asked for.
   * @throws BadSetting where the planner has no key to sign with
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
    // All that the pod is asked for over the migration: its containers share the credential, and it is kept while it lasts.
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
