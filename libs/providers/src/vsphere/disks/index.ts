import type { Snapshot, SourceDisk, SourceVm } from '@ledgerlift/contracts';
import type { DiskAccess, DiskReader } from '../../port.js';
import { VsphereVmNotOff } from '../errors.js';
import type { VsphereSession } from '../session.js';
import { type VsphereTools, vsphereToolsOf } from '../tools/index.js';
import { diskInSnapshot, diskNow, type VmNow, vmNow } from './current.js';
import { datastoreAccess } from './datastore.js';
import { VsphereNoWay } from './errors.js';
import { exportTo } from './export.js';
import { serverFor } from './hosts.js';
import { vddkAccess } from './vddk.js';

const LOOK_MS = 120_000;

/**
 * Decides how to read a disk of a vSphere VM. Looks the VM up each time, because it may move, and its files with it.
 *
 * @throws VsphereSnapshotLost, VsphereVmNotOff, VsphereDiskGone, VsphereNoWay, and errors of a call
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

/** `vddk`: VMware's library. `datastore`: the disk's own file over HTTPS. `nfc`: an export of the VM. */
export type Way = 'vddk' | 'datastore' | 'nfc';
export interface NotTaken {
  readonly way: Way;
  readonly why: string;
}
export interface Choice {
  /** Undefined if no way works. */
  readonly way: Way | undefined;
  readonly why: string;
  /** The better ways that were ruled out; all ways if none works. */
  readonly notTaken: readonly NotTaken[];
}

/** The facts about a VM on which the choice depends. */
export type ChosenFor = Pick<SourceVm, 'powerState' | 'snapshots'>;

/** Best first: VDDK reads running VMs and only allocated parts; an export must be stored before it is read. */
const WAYS: readonly Way[] = ['vddk', 'datastore', 'nfc'];
const MERITS: Readonly<Record<Way, string>> = {
  vddk: 'it reads only what is allocated, of snapshots too',
  datastore: 'the VM is off, and its disk is one flat file, which is read over HTTPS',
  nfc: 'the VM is off, and is exported',
};

/**
 * Chooses the way in which a disk is read.
 *
 * @param ruledOut ways that were already tried, with the reasons why they do not work
 */
export function chooseWay(
  vm: ChosenFor,
  disk: SourceDisk,
  snapshot: Snapshot | undefined,
  tools: VsphereTools,
  ruledOut: ReadonlyMap<Way, string> = new Map(),
): Choice {
  const notTaken: NotTaken[] = [];
  for (const way of WAYS) {
    const why = ruledOut.get(way) ?? hindranceOf(way, vm, disk, snapshot, tools);
    if (why === undefined) return { way, why: MERITS[way], notTaken };
    notTaken.push({ way, why });
  }
  return { way: undefined, why: 'there is none', notTaken };
}

function hindranceOf(
  way: Way,
  vm: ChosenFor,
  { backing }: SourceDisk,
  snapshot: Snapshot | undefined,
  tools: VsphereTools,
): string | undefined {
  if (backing.kind !== 'vsphere') return `it is a disk of kind ${backing.kind}`;
  if (way === 'vddk') return 'problem' in tools.vddk ? tools.vddk.problem : undefined;
  if (snapshot !== undefined) return 'it cannot read a snapshot of a VM that runs';
  if (vm.powerState !== 'off') return `the VM is not off but ${vm.powerState}`;
  if (backing.format === 'rdm-physical') return 'the disk is a LUN that vSphere only passes through';
  if (way === 'nfc') return undefined;
  if ('problem' in tools.curl) return tools.curl.problem;
  if (backing.format !== 'flat') return `its file is not flat but of the format ${backing.format}`;
  // A file in a chain of deltas is only part of the disk, and reading it would silently miss the rest.
  if (backing.hasParent) return 'its file lacks what the files under it hold';
  if ((vm.snapshots ?? []).length > 0) return 'the VM has snapshots';
  return undefined;
}
