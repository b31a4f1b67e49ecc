import type { SourceDisk } from '@ledgerlift/contracts';
import type { NbdkitAccess } from '../../port.js';
import type { VsphereSession } from '../session.js';
import { fileOf } from './current.js';
import { FILE_PRIVILEGES, addressOf, touch } from './datastore-files.js';
import { VsphereDiskDenied } from './errors.js';
import { failureIn } from './failures.js';

/** A vCenter forgets a session after half an hour, and the cookie with it. */
const KEEP_ALIVE_MS = 5 * 60_000;
const LOOK_MS = 30_000;
/** nbdkit's curl plugin did one request after the other until 1.34. */
const SERVERS = 4;

/**
 * Reads a disk's one flat file over HTTPS, all of it: which parts hold nothing shows only when they are read.
 *
 * @returns why it cannot be read so, where it cannot
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
  // Logs in again where the server has forgotten us: the cookie is handed to somebody who cannot.
  await touch(session, signal);
  const cookie = await session.cookie(signal);
  const hindrance = await look(session, url, cookie, disk, signal);
  if (hindrance !== undefined) return { ruledOut: hindrance };
  const { thumbprint, caCertificate, insecureSkipVerify } = settings;
  const { seen } = connection;
  // curl knows no thumbprints, but it takes the very certificate as its own authority.
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
      // Where it leads is not judged by our rules.
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

/** The bytes beside a descriptor: `[ds] web/web.vmdk` describes `[ds] web/web-flat.vmdk`. */
const flatFileOf = (file: string): string => file.replace(/\.vmdk$/i, '-flat.vmdk');

/** @returns why the file cannot be read, or is not what it should be; undefined where it can @throws VsphereDiskDenied */
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
