import { z } from 'zod';
import { type ApiResource, type ObjectAddress, type Verb, described } from './resources.js';
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

/** A request to the API server, as errors describe it. */
export interface Asked {
  readonly server: string;
  readonly verb: Verb;
  readonly kind: ApiResource;
  readonly address: ObjectAddress;
}

/** Describes a request for messages: `create virtualmachines.kubevirt.io in the namespace 'vms'`. */
export const requestOf = ({ verb, kind, address }: Asked): string => `${verb} ${described(kind, address)}`;

// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
const Status = z.object({
  reason: z.string().default('Unknown'),
  message: z.string().default(''),
  details: z.object({ name: z.string().optional() }).optional(),
});

/**
 * Turns a status of 400 or above into an error, except 401 and 429, which the connection handles.
 *
 * @param text the body, already without secrets
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
      // Without details, the path is unknown rather than the object.
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

// A webhook that refuses without a status of its own, or that cannot be called, also yields a 500; only the text differs.
function serverError(asked: Asked, status: number, reason: string, message: string): Error {
  const says = message === '' ? `status ${status}` : `status ${status} (${reason}: ${message})`;
  return new KubernetesUnreachable(asked.server, requestOf(asked), says);
}

/** Whether an error may come from an API server that has just started and does not know its roles and custom kinds yet. */
export const isOfStart = (error: unknown): boolean =>
  error instanceof KubernetesForbidden || (error instanceof KubernetesNotFound && error.missing === 'kind');

/** Recognizes RBAC's own refusal. Quotas, policies and namespaces in deletion also yield a 403. */
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
  // The authority has the right name but another key.
  CERT_SIGNATURE_FAILURE: 'another authority of the same name signed it',
  ERR_TLS_CERT_ALTNAME_INVALID: 'it is for another name',
};

/** Turns a connection failure into one of our errors. */
export function failureOf(asked: Asked, error: unknown): Error {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  if (typeof code === 'string' && code.startsWith('LL-')) return error as Error;
  const certificate = typeof code === 'string' ? CERTIFICATE_REASONS[code] : undefined;
  if (certificate !== undefined) return new KubernetesCertificateRefused(asked.server, certificate);
  const reason = typeof code === 'string' ? code : error instanceof Error ? error.message : String(error);
  return new KubernetesUnreachable(asked.server, requestOf(asked), reason);
}
