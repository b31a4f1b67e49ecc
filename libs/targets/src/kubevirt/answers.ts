import { z } from 'zod';
import { type ApiResource, type ObjectAddress, type Verb, described } from './addresses.js';
import {
  KubernetesAlreadyExists,
  KubernetesAnswerMalformed,
  KubernetesCertificateRefused,
  KubernetesConflict,
  KubernetesForbidden,
  KubernetesGone,
  KubernetesNotFound,
  KubernetesRefused,
  KubernetesUnreachable,
} from './errors.js';

/** What was asked of the API server, for its errors. */
export interface Asked {
  readonly server: string;
  readonly verb: Verb;
  readonly kind: ApiResource;
  readonly address: ObjectAddress;
}

/** How messages call a request: `create virtualmachines.kubevirt.io in the namespace 'vms'`. */
export const requestOf = ({ verb, kind, address }: Asked): string => `${verb} ${described(kind, address)}`;

// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
const Status = z.object({
  reason: z.string().default('Unknown'),
  message: z.string().default(''),
  details: z.object({ name: z.string().optional() }).optional(),
});

/**
 * What a status from 400 on means, other than 401 and 429, which the connection sees to.
 *
 * @param text of the body; already without secrets
 */
export function errorOf(asked: Asked, status: number, text: string): Error {
  const { server, verb, kind, address } = asked;
  const object = described(kind, address);
  const { reason, message, details } = statusOf(text);
  if (status === 403 && isMissingRight(message)) {
    const resource =
      address.subresource === undefined ? kind.resource : `${kind.resource}/${address.subresource}`;
    return new KubernetesForbidden(server, verb, resource, kind.group, address.namespace);
  }
  switch (status) {
    case 404:
      // Without details it is the path that is not known, not the object.
      return new KubernetesNotFound(object, details?.name === undefined ? 'kind' : 'object');
    case 409:
      return reason === 'AlreadyExists'
        ? new KubernetesAlreadyExists(
            details?.name === undefined ? object : described(kind, { ...address, name: details.name }),
          )
        : new KubernetesConflict(object, message);
    case 410:
      return new KubernetesGone(requestOf(asked));
    default:
      if (status >= 500) return serverError(asked, status, reason, message);
      return message === ''
        ? new KubernetesAnswerMalformed(server, requestOf(asked), `status ${status} without a Status object`)
        : new KubernetesRefused(object, reason, message);
  }
}

// A webhook that refuses without a status of its own, or that cannot be called, is a 500 too: the text says which.
function serverError(asked: Asked, status: number, reason: string, message: string): Error {
  const says = message === '' ? `status ${status}` : `status ${status} (${reason}: ${message})`;
  return new KubernetesUnreachable(asked.server, requestOf(asked), says);
}

/** RBAC's own refusal; a quota, a policy and a namespace that is being removed are answered with 403, too. */
const isMissingRight = (message: string): boolean =>
  /\bcannot \S+ resource\b/.test(message) || /\bcannot \S+ path\b/.test(message);

function statusOf(text: string): z.infer<typeof Status> {
  try {
    return Status.parse(JSON.parse(text));
  } catch {
    return { reason: 'Unknown', message: '' };
  }
}

const CERTIFICATE_REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it signed itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'the authority that signed it is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the authority that signed it is not known here',
  UNABLE_TO_GET_ISSUER_CERT: 'the authority that signed it is not known here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the authority that signed it is not known here',
  // The authority has the right name, and another key.
  CERT_SIGNATURE_FAILURE: 'another authority of the same name signed it',
  ERR_TLS_CERT_ALTNAME_INVALID: 'it is for another name',
};

/** What broke a connection, as an error of ours. */
export function failureOf(asked: Asked, error: unknown): Error {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  if (typeof code === 'string' && code.startsWith('LL-')) return error as Error;
  const certificate = typeof code === 'string' ? CERTIFICATE_REASONS[code] : undefined;
  if (certificate !== undefined) return new KubernetesCertificateRefused(asked.server, certificate);
  const reason = typeof code === 'string' ? code : error instanceof Error ? error.message : String(error);
  return new KubernetesUnreachable(asked.server, requestOf(asked), reason);
}
