import type { Snapshot, SourceDisk, SourceVm } from '@ledgerlift/contracts';
import type { NbdkitAccess } from '../../port.js';
import { VsphereSnapshotLost } from '../errors.js';
import type { VsphereSession } from '../session.js';
import { presentSnapshot } from '../snapshots.js';
import type { VsphereTools } from '../tools/index.js';
import { fileOf } from './current.js';
import { VsphereSingleLinkOnChain } from './errors.js';
import { failureIn } from './failures.js';
import type { Server } from './hosts.js';

type Vddk = Exclude<VsphereTools['vddk'], { readonly problem: string }>;

/** Privileges that VDDK may need (VDDK programming guide, "Security and required privileges"). */
const PRIVILEGES = 'VirtualMachine.Provisioning.DiskRandomRead, and VirtualMachine.Provisioning.GetVmFiles';
const LOOK_MS = 10_000;
/** Transports that read the datastore through devices of this machine. */
const BY_DEVICE = /\b(file|san|hotadd)\b/;

export interface VddkReading {
  /** The provider's session, used to look for snapshots. */
  readonly session: VsphereSession;
  readonly server: Server;
  readonly vm: SourceVm;
  /** The disk, with the file to read. */
  readonly disk: SourceDisk;
  readonly snapshot: Snapshot | undefined;
  readonly vddk: Vddk;
}

/**
 * Reads a disk with VDDK: only allocated parts, with several requests in flight on one connection.
 *
 * @throws VsphereSingleLinkOnChain if the provider's settings would omit data in the disk's parent files
 */
export async function vddkAccess(reading: VddkReading, signal: AbortSignal): Promise<NbdkitAccess> {
  const { session, server, vm, disk, snapshot, vddk } = reading;
  const { connection, url, settings, spec } = server.session;
  const { transports, compression, singleLink } = settings.vddk;
  // VIXDISKLIB_FLAG_OPEN_SINGLE_LINK opens "the single link, not the entire chain" (VDDK programming guide).
  if (singleLink && disk.backing.kind === 'vsphere' && disk.backing.hasParent)
    throw new VsphereSingleLinkOnChain(disk.name, fileOf(disk));
  const { user, password } = await server.session.credentials();
  // The first exchange checks the certificate. VDDK itself trusts only a thumbprint, and all its versions accept this kind.
  await server.session.content(signal);
  const thumbprint = connection.seen?.sha1 ?? '';
  return {
    kind: 'nbdkit',
    plugin: vddk.plugin,
    parameters: [
      ['libdir', vddk.folder],
      ['server', url.hostname.replace(/^\[|\]$/g, '')],
      ...(url.port === '' ? [] : [['port', url.port] as const]),
      ['user', user],
      ['thumbprint', thumbprint],
      ['vm', `moref=${server.vmId}`],
      ['file', fileOf(disk)],
      ...(server.snapshotId === undefined ? [] : [['snapshot', server.snapshotId] as const]),
      ['transports', transports],
      ['compression', compression],
      ...(singleLink ? [['single-link', 'true'] as const] : []),
    ],
    secrets: [['password', password]],
    files: [],
    reads: [vddk.folder, ...vddk.reads],
    ...(BY_DEVICE.test(transports) ? { devices: 'host' as const } : {}),
    servers: 1,
    async explain(log, ended, ending) {
      // If a snapshot is gone, VDDK only reports that a file was not found.
      if (snapshot !== undefined) {
        const limit = AbortSignal.any([ending, AbortSignal.timeout(LOOK_MS)]);
        const seen: unknown = await presentSnapshot(session, vm, snapshot, limit).catch(
          (error: unknown) => error,
        );
        if (seen instanceof VsphereSnapshotLost) return seen;
      }
      return failureIn(log, ended, {
        disk: disk.name,
        file: fileOf(disk),
        way: 'VDDK',
        server: connection.server,
        secret: spec.secret?.name ?? spec.name,
        privilege: PRIVILEGES,
      });
    },
  };
}
