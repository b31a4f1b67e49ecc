import type { VsphereSession } from '../session.js';
import { VsphereUnreachable } from '../errors.js';
import type { ObjectRef, VimNode, VimValue } from './xml.js';
import { vimFault } from './client.js';

/** An object with the requested properties that it has. */
export interface VimObject {
  readonly ref: ObjectRef;
  readonly properties: ReadonlyMap<string, VimNode>;
}

const PAGE = 200;

/**
 * Reads properties of the given objects, all of one type.
 *
 * @param paths such as `config.hardware.device`
 * @throws VsphereFault `ManagedObjectNotFound` if one is gone; VsphereUnreachable if the answer omits one
 */
export async function retrieve(
  session: VsphereSession,
  objects: readonly ObjectRef[],
  paths: readonly string[],
  signal: AbortSignal,
): Promise<readonly VimObject[]> {
  const [first] = objects;
  if (first === undefined) return [];
  const filter = {
    propSet: [{ type: first.type, all: false, pathSet: paths }],
    objectSet: objects.map((obj) => ({ obj, skip: false })),
  };
  const found = await retrieveFiltered(session, filter, signal);
  // Treat an omitted object as an error, not as gone or as one without properties.
  const left = objects.find(({ id }) => !found.some(({ ref }) => ref.id === id));
  if (left === undefined) return found;
  const { server } = session.connection;
  throw new VsphereUnreachable(
    server,
    'RetrievePropertiesEx',
    `its answer leaves out ${left.type} ${left.id}`,
  );
}

/** Reads the properties of one object. @throws VsphereFault `ManagedObjectNotFound` if it is gone */
export async function propertiesOf(
  session: VsphereSession,
  object: ObjectRef,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, VimNode>> {
  const [found] = await retrieve(session, [object], paths, signal);
  return found?.properties ?? new Map<string, VimNode>();
}

export type PropertyFilter = {
  readonly propSet: readonly {
    readonly type: string;
    readonly all: boolean;
    readonly pathSet: readonly string[];
  }[];
  readonly objectSet: readonly {
    readonly obj: ObjectRef;
    readonly skip: boolean;
    /** How to traverse to other objects, as a `SelectionSpec`. */
    readonly selectSet?: VimValue;
  }[];
};

/**
 * Reads properties page by page.
 *
 * @throws VspherePermissionDenied if the user may not read something; errors of a call
 */
export async function retrieveFiltered(
  session: VsphereSession,
  filter: PropertyFilter,
  signal: AbortSignal,
): Promise<readonly VimObject[]> {
  const collector = (content: { readonly propertyCollector: ObjectRef }): ObjectRef =>
    content.propertyCollector;
  const options = { signal, check: refuseMissing };
  const found: VimObject[] = [];
  const args = { specSet: filter, options: { maxObjects: PAGE } };
  let page = (await session.call('RetrievePropertiesEx', collector, args, options)).at('returnval');
  while (page !== undefined) {
    found.push(...page.list('objects').map(objectOf));
    const token = page.textAt('token');
    if (token === undefined || token === '') break;
    page = (await session.call('ContinueRetrievePropertiesEx', collector, { token }, options)).at(
      'returnval',
    );
  }
  return found;
}

/** Throws if an answer omits properties. It states the reason beside them, such as an ended session. */
function refuseMissing(answer: VimNode): void {
  for (const object of answer.list('returnval.objects')) {
    const [missing] = object.list('missingSet');
    if (missing === undefined) continue;
    const { type, id } = object.refAt('obj') ?? { type: 'object', id: 'unknown' };
    const request = `the reading of ${missing.textAt('path') ?? 'a property'} of ${type} ${id}`;
    throw vimFault(request, missing.at('fault.fault'), missing.textAt('fault.localizedMessage') ?? '');
  }
}

function objectOf(node: VimNode): VimObject {
  const ref = node.refAt('obj') ?? { type: '', id: '' };
  const properties = node.list('propSet').flatMap((property) => {
    const value = property.at('val');
    return value === undefined ? [] : [[property.textAt('name') ?? '', value] as const];
  });
  return { ref, properties: new Map(properties) };
}
