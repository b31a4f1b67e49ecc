import { z } from 'zod';
import { VmRecord } from './events.js';
import { ServiceName, StepName } from './steps.js';

/**
 * Worker pods. A pod is a site of its own, `{site}.{pod}`: what it is asked for has a subject that no other worker has,
 * and so have its claims, leases and reports, for each VM has its own. A credential can therefore allow exactly one VM.
 */

/** Small letters, digits and hyphens: never a dot or a wildcard of NATS. */
const LABEL = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?';

/** `local`, or of a pod `local.vm-4f0c`. */
export const SiteName = z.string().regex(new RegExp(`^${LABEL}(?:\\.${LABEL})?$`));

/** `{site}.{pod}` */
export const PodSite = z.string().regex(new RegExp(`^${LABEL}\\.${LABEL}$`));

/** @returns the site that a pod belongs to: `local` of `local.vm-4f0c`; undefined for a plain site */
export function siteOfPod(site: string): string | undefined {
  return PodSite.safeParse(site).success ? site.slice(0, site.indexOf('.')) : undefined;
}

/** Public key of a NATS user: base32, no padding (https://github.com/nats-io/nkeys). */
export const UserPublicKey = z.string().regex(/^U[A-Z2-7]{55}$/);

/** Where the answers to a user's requests go: only that user may listen there. */
export const inboxOf = (userPublicKey: string): string => `_INBOX.${userPublicKey}`;

/** On `subjects.podCredential(site)`: a pod is about to be made for this attempt. The key pair is made by who asks. */
export const PodCredentialRequest = z.object({
  stream: z.string().regex(/^vm-[A-Za-z0-9-]+$/),
  step: StepName,
  attempt: z.int().min(1),
  /** Of the pod: `{site}.{pod}`. */
  site: PodSite,
  userPublicKey: UserPublicKey,
});
export type PodCredentialRequest = z.infer<typeof PodCredentialRequest>;

export const PodCredentialAnswer = z.discriminatedUnion('granted', [
  z.object({
    granted: z.literal(true),
    record: VmRecord,
    /** Useless without the seed of the key pair, which never leaves who asked. */
    userJwt: z.string().min(1),
    /** Ask again before, for the same key: the attempt may take longer. */
    expiresAt: z.iso.datetime(),
    /** What a worker at that site may be. */
    services: z.array(ServiceName).min(1),
  }),
  /** The attempt is over, or never was that pod's. */
  z.object({ granted: z.literal(false), reason: z.string() }),
]);
export type PodCredentialAnswer = z.infer<typeof PodCredentialAnswer>;
