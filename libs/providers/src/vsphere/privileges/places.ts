import { allOf } from '../listing.js';
import type { VsphereSession } from '../session.js';
import type { ObjectRef } from '../soap/node.js';
import type { VimObject } from '../soap/properties.js';
import type { PrivilegeScope } from './required.js';

/** An object on which privileges are asked for. */
export interface Place {
  readonly ref: ObjectRef;
  readonly name: string;
  /** How many others it stands for. */
  readonly others: number;
}

/** @throws what a call throws */
export async function placesOf(
  session: VsphereSession,
  scope: PrivilegeScope,
  signal: AbortSignal,
): Promise<readonly Place[]> {
  if (scope === 'root') {
    const { rootFolder } = await session.content(signal);
    return [{ ref: rootFolder, name: 'the root folder', others: 0 }];
  }
  if (scope === 'datastore') {
    const found = await allOf(session, 'Datastore', ['name'], signal);
    return found.map((object) => ({ ref: object.ref, name: nameOf(object), others: 0 }));
  }
  const vms = await allOf(
    session,
    'VirtualMachine',
    ['name', 'parent', 'parentVApp', 'resourcePool'],
    signal,
  );
  return [...Map.groupBy(vms, inheritance).values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : [{ ref: first.ref, name: nameOf(first), others: others.length }],
  );
}

/** Where a VM inherits its permissions from. */
const inheritance = ({ properties }: VimObject): string =>
  ['parent', 'parentVApp', 'resourcePool'].map((path) => properties.get(path)?.text ?? '').join('/');
const nameOf = ({ ref, properties }: VimObject): string => properties.get('name')?.text ?? ref.id;
