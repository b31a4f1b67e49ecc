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
  const vmId = await vmByUuid(direct, now.uuid, signal);
  // It may be moved at any moment, and then it is read through the vCenter.
  if (vmId === undefined) return at(`${session.connection.server}, for ${server} does not have the VM`);
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

async function vmByUuid(
  session: VsphereSession,
  uuid: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { searchIndex } = await session.content(signal);
  if (searchIndex === undefined || uuid === '') return undefined;
  const args = { uuid, vmSearch: true, instanceUuid: false };
  return (await session.call('FindByUuid', searchIndex, args, { signal })).refAt('returnval')?.id;
}
