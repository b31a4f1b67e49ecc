import type { SourceDisk } from '@ledgerlift/contracts';
import { placeOf } from '../inventory/devices.js';
import type { VsphereSession } from '../session.js';
import type { ObjectRef } from '../soap/node.js';
import { propertiesOf } from '../soap/properties.js';

/** "Low level file operations": to read files, too (vSphere Security, "Datastore privileges"). */
export const FILE_PRIVILEGES = 'Datastore.FileManagement, and Datastore.Browse';

/** Logs in again where the server has forgotten the session: its cookie is of use only until then. */
export async function touch(session: VsphereSession, signal: AbortSignal): Promise<void> {
  await session.call('CurrentTime', { type: 'ServiceInstance', id: 'ServiceInstance' }, {}, { signal });
}

/** Where a file of a disk is read over HTTPS; undefined where it lies in no datacenter that is seen. */
export async function addressOf(
  session: VsphereSession,
  { backing }: Pick<SourceDisk, 'backing'>,
  file: string,
  signal: AbortSignal,
): Promise<URL | undefined> {
  const { datastore, path } = placeOf(file);
  if (backing.kind !== 'vsphere' || path === '') return undefined;
  const datacenter = await datacenterOf(session, backing.datastore, signal);
  if (datacenter === undefined) return undefined;
  const folder = path.split('/').map(encodeURIComponent).join('/');
  const query = `dcPath=${encodeURIComponent(datacenter)}&dsName=${encodeURIComponent(datastore)}`;
  return new URL(`/folder/${folder}?${query}`, session.url);
}

/** The inventory path of a datastore's datacenter, without the root folder: `/folder` wants it so. */
async function datacenterOf(
  session: VsphereSession,
  datastore: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { rootFolder } = await session.content(signal);
  const names: string[] = [];
  let at: ObjectRef | undefined = { type: 'Datastore', id: datastore };
  while (at !== undefined && at.id !== rootFolder.id) {
    const properties = await propertiesOf(session, at, ['name', 'parent'], signal);
    if (at.type === 'Datacenter' || names.length > 0) names.unshift(properties.get('name')?.text ?? '');
    at = properties.get('parent')?.ref;
  }
  return names.length === 0 ? undefined : names.join('/');
}
