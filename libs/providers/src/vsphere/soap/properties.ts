import type { VsphereSession } from '../session.js';
import { VsphereUnreachable } from '../errors.js';
import type { VimValue } from './render.js';
import { vimFault } from './client.js';
import type { ObjectRef, VimNode } from './node.js';

/** An object and those of its properties that were asked for, and that it has. */
export interface VimObject {
  readonly ref: ObjectRef;
  readonly properties: ReadonlyMap<string, VimNode>;
}

const PAGE = 200;

/**
 * Reads properties of objects of one type, which are named one by one.
 *
 * @param paths such as `config.hardware.device`
 * @throws VsphereFault `ManagedObjectNotFound` where one is gone; VsphereUnreachable where the answer leaves one out
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
  // Gone is only what the server says is gone: an object without properties would look like one that has none.
  const left = objects.find(({ id }) => !found.some(({ ref }) => ref.id === id));
  if (left === undefined) return found;
  const { server } = session.connection;
  throw new VsphereUnreachable(
    server,
    'RetrievePropertiesEx',
    `its answer leaves out ${left.type} ${left.id}`,
  );
}

/** The properties of one object. @throws VsphereFault `ManagedObjectNotFound` where it is gone */
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
    /** How it leads to others, as a `SelectionSpec`. */
    readonly selectSet?: VimValue;
  }[];
};

/**
 * Page after page.
 *
 * @throws VspherePermissionDenied where the user may not read something; what a call throws
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

/** What may not be read is left out of an answer, with the reason beside it: a session that has ended, for one. */
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
