import type { SourceDisk } from '@ledgerlift/contracts';
import type { NbdkitAccess } from '../../port.js';
import { placeOf } from '../inventory/devices.js';
import type { VsphereSession } from '../session.js';
import type { ObjectRef } from '../soap/xml.js';
import { propertiesOf } from '../soap/properties.js';
import { fileOf } from './current.js';
import { VsphereDiskDenied } from './errors.js';
import { failureIn } from './failures.js';

/** A vCenter forgets a session after half an hour, and the cookie with it. */
const KEEP_ALIVE_MS = 5 * 60_000;
const LOOK_MS = 30_000;
/** Several, because nbdkit's curl plugin before 1.34 handles one request at a time. */
const SERVERS = 4;

/**
 * Reads a disk's single flat file over HTTPS, as a whole, because HTTPS does not show which parts are empty.
 *
 * @returns the access, or why this way is ruled out
 */
export async function datastoreAccess(
  session: VsphereSession,
  disk: SourceDisk,
  plugin: string,
  signal: AbortSignal,
): Promise<NbdkitAccess | { readonly ruledOut: string }> {
  const file = flatFileOf(fileOf(disk));
  const url = await addressOf(session, disk, file, signal);
  if (url === undefined) return { ruledOut: `it is not seen in which datacenter '${file}' lies` };
  const { connection, settings, spec } = session;
  // Log in again if the server has forgotten the session: nbdkit gets the cookie and cannot log in itself.
  await touch(session, signal);
  const cookie = await session.cookie(signal);
  const hindrance = await look(session, url, cookie, disk, signal);
  if (hindrance !== undefined) return { ruledOut: hindrance };
  const { thumbprint, caCertificate, insecureSkipVerify } = settings;
  const { seen } = connection;
  // curl has no thumbprints, but accepts the exact certificate as its own authority.
  const isPinned = thumbprint !== undefined;
  if (isPinned && seen?.flaw !== undefined)
    return {
      ruledOut: `the certificate of ${connection.server} is trusted by its thumbprint only: ${seen.flaw}`,
    };
  const authority = isPinned ? seen?.pem : caCertificate;
  return {
    kind: 'nbdkit',
    plugin,
    parameters: [
      ['url', url.href],
      ['protocols', 'https'],
      // Our certificate rules would not apply to the target of a redirect.
      ['followlocation', 'false'],
      ['timeout', '120'],
      ...(insecureSkipVerify && !isPinned ? [['sslverify', 'false'] as const] : []),
    ],
    secrets: [['cookie', cookie]],
    files: authority === undefined ? [] : [['cainfo', authority]],
    reads: [],
    servers: SERVERS,
    keepAlive: {
      everyMs: KEEP_ALIVE_MS,
      touch: () => touch(session, AbortSignal.timeout(LOOK_MS)).catch(() => undefined),
    },
    explain: async (log, ended) =>
      failureIn(log, ended, {
        disk: disk.name,
        file,
        way: 'datastore HTTPS',
        server: connection.server,
        secret: spec.secret?.name ?? spec.name,
        privilege: FILE_PRIVILEGES,
      }),
  };
}

/** Returns the data file of a descriptor: `[ds] web/web.vmdk` describes `[ds] web/web-flat.vmdk`. */
const flatFileOf = (file: string): string => file.replace(/\.vmdk$/i, '-flat.vmdk');

/** @returns why the file cannot be read, or is not the disk; undefined if all is well @throws VsphereDiskDenied */
async function look(
  { connection }: VsphereSession,
  url: URL,
  cookie: string,
  disk: SourceDisk,
  signal: AbortSignal,
): Promise<string | undefined> {
  const headers = { cookie };
  const response = await connection.exchange({ method: 'HEAD', url, headers, signal, silenceMs: LOOK_MS });
  response.resume();
  const { statusCode } = response;
  if (statusCode === 403) throw new VsphereDiskDenied(disk.name, FILE_PRIVILEGES, 'HTTP 403');
  if (statusCode !== 200) return `its file is answered with HTTP ${statusCode}`;
  if (response.headers['accept-ranges'] !== 'bytes') return 'its file cannot be read in parts';
  const length = Number(response.headers['content-length']);
  return length === disk.capacityBytes
    ? undefined
    : `its file has ${length} bytes, and the disk ${disk.capacityBytes}`;
}

/** "Low level file operations", which are needed even to read files (vSphere Security, "Datastore privileges"). */
export const FILE_PRIVILEGES = 'Datastore.FileManagement, and Datastore.Browse';

/** Logs in again if the server has forgotten the session, which makes its cookie invalid. */
export async function touch(session: VsphereSession, signal: AbortSignal): Promise<void> {
  await session.call('CurrentTime', { type: 'ServiceInstance', id: 'ServiceInstance' }, {}, { signal });
}

/** Returns the HTTPS address of a disk's file; undefined if its datacenter is not visible. */
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

/** Returns the inventory path of a datastore's datacenter without the root folder, as `/folder` requires. */
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
