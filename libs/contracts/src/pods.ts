import { z } from 'zod';
import { VmRecord } from './events.js';
import { ServiceName, StepName } from './steps.js';

/**
 * Worker pods. Each pod is a site of its own, `{site}.{pod}`, so its step requests have a subject of their own; claims, leases and
 * reports already have one for each VM. A credential can therefore be limited to exactly one VM.
 */

/** Lower case letters, digits and hyphens: never a dot or a wildcard of NATS. */
const LABEL = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?';

/** Such as `local`, or `local.vm-4f0c` for a pod. */
export const SiteName = z.string().regex(new RegExp(`^${LABEL}(?:\\.${LABEL})?$`));

/** `{site}.{pod}` */
export const PodSite = z.string().regex(new RegExp(`^${LABEL}\\.${LABEL}$`));

/** @returns the site of a pod, such as `local` for `local.vm-4f0c`; undefined for a plain site */
export function siteOfPod(site: string): string | undefined {
  return PodSite.safeParse(site).success ? site.slice(0, site.indexOf('.')) : undefined;
}

/** Public key of a NATS user: base32, no padding (https://github.com/nats-io/nkeys). */
export const UserPublicKey = z.string().regex(/^U[A-Z2-7]{55}$/);

/** The inbox of a user's replies, to which only that user may subscribe. */
export const inboxOf = (userPublicKey: string): string => `_INBOX.${userPublicKey}`;

/**
 * On `subjects.podCredential(site)`: requests a credential for the pod of an attempt. The requester makes the key
 * pair.
 */
export const PodCredentialRequest = z.object({
  stream: z.string().regex(/^vm-[A-Za-z0-9-]+$/),
  step: StepName,
  attempt: z.int().min(1),
  /** Site of the pod: `{site}.{pod}`. */
  site: PodSite,
  userPublicKey: UserPublicKey,
});
export type PodCredentialRequest = z.infer<typeof PodCredentialRequest>;

export const PodCredentialAnswer = z.discriminatedUnion('granted', [
  z.object({
    granted: z.literal(true),
    record: VmRecord,
    /** Useless without the seed of the key pair, which never leaves the requester. */
    userJwt: z.string().min(1),
    /** Renew it before then, for the same key, because the attempt may take longer. */
    expiresAt: z.iso.datetime(),
    /** The services that a worker at that site may run. */
    services: z.array(ServiceName).min(1),
  }),
  /** The attempt has ended, or never belonged to that pod. */
  z.object({ granted: z.literal(false), reason: z.string() }),
]);
export type PodCredentialAnswer = z.infer<typeof PodCredentialAnswer>;
