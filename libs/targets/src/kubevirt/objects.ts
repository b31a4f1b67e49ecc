import { z } from 'zod';
import type { ApiResource, ObjectAddress } from './resources.js';
import type { KubernetesConnection } from './connection.js';
import { KubernetesConflict, KubernetesNotFound } from './errors.js';
import type { ObjectMetadata } from './ownership.js';
import type { Guard } from '../workplace.js';

const PAGE = '500';
/** Tolerates occasional changes by others. An object that changes at every try is a problem to report. */
const TRIES = 5;

export interface Selection {
  readonly namespace: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** Returns the query of a selection, for lists and watches. */
export const queryOf = ({ labelSelector, fieldSelector }: Selection): Record<string, string> => ({
  ...(labelSelector === undefined ? {} : { labelSelector }),
  ...(fieldSelector === undefined ? {} : { fieldSelector }),
});

/**
 * Lists objects page by page, so that a large namespace does not overload the API server.
 *
 * @throws the errors of the connection; KubernetesGone if reading took longer than the API server keeps its pages
 */
export async function listObjects<T>(
  connection: KubernetesConnection,
  kind: ApiResource,
  selection: Selection,
  schema: z.ZodType<T>,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const Page = z.object({
    metadata: z.object({ continue: z.string().optional() }).prefault({}),
    items: z.array(schema),
  });
  const found: T[] = [];
  let more = '';
  do {
    const page: z.infer<typeof Page> = await connection.read(
      {
        verb: 'list',
        kind,
        address: { namespace: selection.namespace },
        query: { ...queryOf(selection), limit: PAGE, ...(more === '' ? {} : { continue: more }) },
        signal,
      },
      Page,
    );
    found.push(...page.items);
    more = page.metadata.continue ?? '';
  } while (more !== '');
  return found;
}

/** Reads one object. @returns undefined if there is none */
export async function findObject<T>(
  connection: KubernetesConnection,
  kind: ApiResource,
  address: ObjectAddress,
  schema: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  try {
    return await connection.read({ verb: 'get', kind, address, signal }, schema);
  } catch (error) {
    if (error instanceof KubernetesNotFound && error.missing === 'object') return undefined;
    throw error;
  }
}

/**
 * Deletes exactly the version of an object that was read. Keeps an object that changed since, or another of the same name.
 *
 * @param propagation what to do with the objects that it owns
 * @returns `absent` if it was already gone
 * @throws KubernetesConflict if it changed since it was read
 */
export async function deleteObject(
  connection: KubernetesConnection,
  kind: ApiResource,
  { name, namespace, uid, resourceVersion }: ObjectMetadata,
  propagation: 'Background' | 'Orphan',
  guard: Guard,
): Promise<'asked' | 'absent'> {
  await guard.stillOurs();
  try {
    await connection.call({
      verb: 'delete',
      kind,
      address: { namespace, name },
      body: {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: { uid, resourceVersion },
        propagationPolicy: propagation,
      },
      signal: guard.signal,
    });
    return 'asked';
  } catch (error) {
    if (error instanceof KubernetesNotFound && error.missing === 'object') return 'absent';
    throw error;
  }
}

/** Runs `work`, which reads and then writes an object, and repeats it if somebody else changed the object in between. */
export async function anewOnConflict<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof KubernetesConflict) || tries === TRIES) throw error;
    }
  }
}
