import type { Snapshot, SourceDisk, SourceVm } from '@ledgerlift/contracts';
import type { VsphereTools } from '../tools/index.js';

/** `vddk`: VMware's library. `datastore`: the disk's own file over HTTPS. `nfc`: an export of the VM. */
export type Way = 'vddk' | 'datastore' | 'nfc';
export interface NotTaken {
  readonly way: Way;
  readonly why: string;
}
export interface Choice {
  /** Undefined where none can be gone. */
  readonly way: Way | undefined;
  readonly why: string;
  /** Those that would have been better; all of them where there is none. */
  readonly notTaken: readonly NotTaken[];
}

/** Of a VM, what the choice depends on. */
export type ChosenFor = Pick<SourceVm, 'powerState' | 'snapshots'>;

/** From the best on: VDDK reads running VMs and knows what is allocated; an export has to be stored before it is read. */
const WAYS: readonly Way[] = ['vddk', 'datastore', 'nfc'];
const MERITS: Readonly<Record<Way, string>> = {
  vddk: 'it reads only what is allocated, of snapshots too',
  datastore: 'the VM is off, and its disk is one flat file, which is read over HTTPS',
  nfc: 'the VM is off, and is exported',
};

/**
 * In which way a disk is read.
 *
 * @param ruledOut what was tried already, and why it cannot be
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
  // The file of a delta, or of what lies under one, is not the disk: it would be read without a sign of what it lacks.
  if (backing.hasParent) return 'its file lacks what the files under it hold';
  if ((vm.snapshots ?? []).length > 0) return 'the VM has snapshots';
  return undefined;
}
