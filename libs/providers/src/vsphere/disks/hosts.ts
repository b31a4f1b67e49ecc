import type { Snapshot, SourceVm } from '@ledgerlift/contracts';
import { type VsphereSession, type VsphereSpec, sessionOf } from '../session.js';
import { snapshotsOf } from '../snapshots.js';
import { propertiesOf } from '../soap/properties.js';
import type { VmNow } from './current.js';

/** A server from which VDDK reads, with its id of the VM: ESXi hosts have ids of their own. */
export interface Server {
  readonly session: VsphereSession;
  readonly vmId: string;
  readonly snapshotId: string | undefined;
  /** A description for messages. */
  readonly which: string;
}

/**
 * Chooses the server from which VDDK reads a VM: its ESXi host if the provider configures access to it, otherwise the provider.
 *
 * @throws errors of the login at the host
 */
export async function serverFor(
  session: VsphereSession,
  vm: SourceVm,
  now: VmNow,
  snapshot: Snapshot | undefined,
  signal: AbortSignal,
): Promise<Server> {
  const spec = await directSpec(session, now, signal);
  const at = (which: string): Server => ({ session, vmId: vm.id, snapshotId: snapshot?.id, which });
  if (spec === undefined) return at(session.connection.server);
  const direct = sessionOf(spec);
  const { server } = direct.connection;
  const [vmId, ...copies] = await vmsLike(direct, now, signal);
  // The VM may have just moved away from the host; then read it through the vCenter.
  if (vmId === undefined) return at(`${session.connection.server}, for ${server} does not have the VM`);
  if (copies.length > 0)
    return at(
      `${session.connection.server}, for ${server} has ${copies.length + 1} VMs with its ${idOf(now).called} ${idOf(now).uuid}`,
    );
  if (snapshot === undefined) return { session: direct, vmId, snapshotId: undefined, which: server };
  const named = (await snapshotsOf(direct, { ...vm, id: vmId }, signal)).filter(
    ({ name }) => name === snapshot.name,
  );
  const [only, ...others] = named;
  if (only === undefined || others.length > 0)
    return at(`${session.connection.server}, for ${server} does not have the snapshot`);
  return { session: direct, vmId, snapshotId: only.ref.id, which: server };
}

/** Returns the provider's settings for the VM's host; undefined if they do not configure access to it. */
async function directSpec(
  session: VsphereSession,
  { host }: VmNow,
  signal: AbortSignal,
): Promise<VsphereSpec | undefined> {
  const { spec } = session;
  const { hosts, caCertificate } = spec.settings;
  if (host === undefined || hosts.length === 0) return undefined;
  const name = (await propertiesOf(session, host, ['name'], signal)).get('name')?.text;
  const found = hosts.find((each) => each.host === name || each.host === host.id);
  if (found === undefined) return undefined;
  const { thumbprint, secret } = found;
  const settings = {
    ...spec.settings,
    url: `https://${found.address ?? name ?? found.host}/sdk`,
    sdkEndpoint: 'esxi' as const,
    thumbprint,
    caCertificate: thumbprint === undefined ? caCertificate : undefined,
    hosts: [],
  };
  return { ...spec, secret, settings };
}

/** vCenter gives each VM a unique instance UUID. The firmware's UUID is copied with the VM's files. */
const idOf = ({ instanceUuid, uuid }: VmNow): { readonly uuid: string; readonly called: string } =>
  instanceUuid === '' ? { uuid, called: 'BIOS UUID' } : { uuid: instanceUuid, called: 'instance UUID' };

/** Lists the VMs on the host that have this VM's UUID, among them the VM itself. */
async function vmsLike(session: VsphereSession, now: VmNow, signal: AbortSignal): Promise<readonly string[]> {
  const { searchIndex } = await session.content(signal);
  const { uuid } = idOf(now);
  if (searchIndex === undefined || uuid === '') return [];
  const args = { uuid, vmSearch: true, instanceUuid: now.instanceUuid !== '' };
  const found = await session.call('FindAllByUuid', searchIndex, args, { signal });
  return found.list('returnval').flatMap(({ ref }) => ref?.id ?? []);
}
