import { z } from 'zod';
import type { ApiRequest, KubernetesConnection } from '../connection.js';
import { resources } from '../resources.js';
import { type Need, needs } from './roles.js';

/** A right that the account lacks. */
export interface MissingRight {
  readonly need: Need;
  /** Undefined for the whole cluster. */
  readonly namespace: string | undefined;
}

const Review = z.object({ status: z.object({ allowed: z.boolean() }) });

/**
 * Asks the API server about each right that a migration needs, so that any authorizer counts, not only roles.
 *
 * @param namespaces the namespaces that VMs are migrated into
 * @returns the missing rights, in the order of the table
 * @throws as KubernetesConnection.call
 */
export async function missingRights(
  connection: KubernetesConnection,
  namespaces: readonly string[],
  signal: AbortSignal,
): Promise<readonly MissingRight[]> {
  const asked = needs.flatMap((need): MissingRight[] =>
    need.scope === 'cluster'
      ? [{ need, namespace: undefined }]
      : namespaces.map((namespace) => ({ need, namespace })),
  );
  const allowed = await Promise.all(asked.map((right) => isAllowed(connection, right, signal)));
  return asked.filter((_, index) => allowed[index] !== true);
}

async function isAllowed(
  connection: KubernetesConnection,
  { need, namespace }: MissingRight,
  signal: AbortSignal,
): Promise<boolean> {
  const { verb, kind, subresource } = need;
  // https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access: every account may ask about itself.
  const request: ApiRequest = {
    verb: 'create',
    kind: resources.accessReviews,
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: {
        resourceAttributes: {
          verb,
          group: kind.group,
          version: kind.version,
          resource: kind.resource,
          ...(subresource === undefined ? {} : { subresource }),
          ...(namespace === undefined ? {} : { namespace }),
        },
      },
    },
    signal,
  };
  return (await connection.read(request, Review)).status.allowed;
}
