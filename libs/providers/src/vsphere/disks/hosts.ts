import type { Snapshot, SourceVm } from '@ledgerlift/contracts';
import { type VsphereSession, type VsphereSpec, sessionOf } from '../session.js';
import { snapshotsOf } from '../snapshots.js';
import { propertiesOf } from '../soap/properties.js';
import type { VmNow } from './current.js';

/** A server that VDDK is to read from, and how it calls the VM: an ESXi host has ids of its own. */
export interface Server {
  readonly session: VsphereSession;
  readonly vmId: string;
  readonly snapshotId: string | undefined;
  /** Which it is, in words. */
  readonly which: string;
}

/**
 * Where VDDK reads a VM: at its ESXi host where the provider says how that is reached, else at the provider.
 *
 * @throws what a login at the host throws
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
  // It may be moved at any moment, and then it is read through the vCenter.
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

/** The provider as it is at the VM's host; undefined where it does not say how to reach that. */
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

/** vCenter gives each VM an instance UUID that no other has; that of the firmware is copied with the VM's files. */
const idOf = ({ instanceUuid, uuid }: VmNow): { readonly uuid: string; readonly called: string } =>
  instanceUuid === '' ? { uuid, called: 'BIOS UUID' } : { uuid: instanceUuid, called: 'instance UUID' };

/** The VMs of a host that may be this one. */
async function vmsLike(session: VsphereSession, now: VmNow, signal: AbortSignal): Promise<readonly string[]> {
  const { searchIndex } = await session.content(signal);
  const { uuid } = idOf(now);
  if (searchIndex === undefined || uuid === '') return [];
  const args = { uuid, vmSearch: true, instanceUuid: now.instanceUuid !== '' };
  const found = await session.call('FindAllByUuid', searchIndex, args, { signal });
  return found.list('returnval').flatMap(({ ref }) => ref?.id ?? []);
}
