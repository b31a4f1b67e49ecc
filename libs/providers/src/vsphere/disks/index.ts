import type { Snapshot, SourceDisk, SourceVm } from '@ledgerlift/contracts';
import type { DiskAccess, DiskReader } from '../../port.js';
import { VsphereVmNotOff } from '../errors.js';
import type { VsphereSession } from '../session.js';
import { type VsphereTools, vsphereToolsOf } from '../tools/index.js';
import { type VmNow, diskInSnapshot, diskNow, vmNow } from './current.js';
import { datastoreAccess } from './datastore.js';
import { VsphereNoWay } from './errors.js';
import { exportTo } from './export.js';
import { serverFor } from './hosts.js';
import { vddkAccess } from './vddk.js';
import { type Choice, type Way, chooseWay } from './ways.js';

const LOOK_MS = 120_000;

/**
 * How a disk of a VM in vSphere is read: looked up anew each time, for a VM moves, and its files with it.
 *
 * @throws VsphereSnapshotLost, VsphereVmNotOff, VsphereDiskGone, VsphereNoWay, and what a call throws
 */
export async function vsphereDiskAccess(
  session: VsphereSession,
  vm: SourceVm,
  disk: SourceDisk,
  snapshot?: Snapshot,
  reader?: DiskReader,
): Promise<DiskAccess> {
  const limit = AbortSignal.timeout(LOOK_MS);
  const signal = reader === undefined ? limit : AbortSignal.any([reader.signal, limit]);
  const tools = vsphereToolsOf(reader?.tools ?? {});
  const now = await vmNow(session, vm, signal);
  if (snapshot === undefined && now.powerState !== 'off')
    throw new VsphereVmNotOff(vm.name, now.powerState, 'power it off, and retry');
  const current =
    snapshot === undefined
      ? diskNow(now, vm, disk)
      : await diskInSnapshot(session, vm, disk, snapshot, signal);
  const ruledOut = new Map<Way, string>();
  for (;;) {
    const choice = chooseWay(now, current, snapshot, tools, ruledOut);
    if (choice.way === undefined) throw new VsphereNoWay(disk.name, choice.notTaken);
    const found = await accessBy(choice.way, { session, vm, now, disk: current, snapshot, tools, signal });
    if (!('ruledOut' in found))
      return { ...found.access, way: { kind: choice.way, why: told(choice, found.detail) } };
    ruledOut.set(choice.way, found.ruledOut);
  }
}

interface Reading {
  readonly session: VsphereSession;
  readonly vm: SourceVm;
  readonly now: VmNow;
  readonly disk: SourceDisk;
  readonly snapshot: Snapshot | undefined;
  readonly tools: VsphereTools;
  readonly signal: AbortSignal;
}

async function accessBy(
  way: Way,
  { session, vm, now, disk, snapshot, tools, signal }: Reading,
): Promise<{ readonly access: DiskAccess; readonly detail: string } | { readonly ruledOut: string }> {
  const { vddk, curl } = tools;
  if (way === 'vddk' && !('problem' in vddk)) {
    const server = await serverFor(session, vm, now, snapshot, signal);
    const access = await vddkAccess({ session, server, vm, disk, snapshot, vddk }, signal);
    return { access, detail: `VDDK ${vddk.version}, from ${server.which}` };
  }
  if (way === 'datastore' && !('problem' in curl)) {
    const access = await datastoreAccess(session, disk, curl.plugin, signal);
    return 'ruledOut' in access ? access : { access, detail: `from ${session.connection.server}` };
  }
  const access: DiskAccess = {
    kind: 'unpack',
    driver: 'vmdk',
    unpackTo: (path, ending) => exportTo(session, vm, now.disks, disk, path, ending),
  };
  return { access, detail: `from ${session.connection.server}` };
}

function told({ why, notTaken }: Choice, detail: string): string {
  const others = notTaken.map((each) => `; not ${each.way}: ${each.why}`).join('');
  return `${why} (${detail})${others}`;
}
