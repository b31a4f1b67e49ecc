import { z } from 'zod';
import type { ApiRequest, KubernetesConnection } from '../connection.js';
import { resources } from '../resources.js';
import { type Need, needs } from './needs.js';

/** A right that the account lacks. */
export interface MissingRight {
  readonly need: Need;
  /** Undefined: everywhere. */
  readonly namespace: string | undefined;
}

const Review = z.object({ status: z.object({ allowed: z.boolean() }) });

/**
 * Asks the API server, one by one, for every right that a migration needs, whatever roles or other authorizers give it.
 *
 * @param namespaces those that VMs are migrated into
 * @returns the missing ones, in the order of the table
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
  // https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access: everybody may ask about themselves.
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
