import type { Resource, VmRecord } from '@ledgerlift/contracts';
import { ChunkManifest } from '@ledgerlift/disk-transfer';
import { RecordMismatch } from '../errors.js';

/** Subfolders of a VM's folder, which are removed once they are empty. */
export const SUBFOLDERS = ['logs', 'manifests'];

/** Paths of the files of one disk, relative to the target's root. */
export interface DiskLayout {
  /** The resulting disk. */
  readonly disk: string;
  /** Hashes of the copied chunks. */
  readonly chunks: string;
  /** Record of the process that writes the disk. */
  readonly writer: string;
  /** Overlay that takes the conversion's writes. */
  readonly overlay: string;
  /** Overlay of a test conversion, thrown away afterwards. */
  readonly testOverlay: string;
  /** Unpacked copy of a source without random access. */
  readonly unpacked: string;
  readonly pvcName: string;
  readonly pvcManifest: string;
}

/** Paths of the files of one VM, relative to the target's root. */
export interface VmLayout {
  readonly folder: string;
  /** Marks the overlays as complete and flushed: from then on only the commit is repeated. */
  readonly commitMarker: string;
  readonly logs: {
    readonly conversion: string;
    readonly bootProof: string;
    readonly testConversion: string;
    readonly testBoot: string;
    readonly preflightInspection: string;
  };
  readonly manifests: { readonly virtualMachine: string; readonly domain: string };
  readonly disks: readonly DiskLayout[];
}

export interface LayoutRequest {
  readonly namespace: string;
  readonly targetName: string;
  /** One for each disk of the VM: see `claimNames`. */
  readonly claims: readonly string[];
  readonly format: 'raw' | 'qcow2';
}

/** Names the files of one VM's migration. Depends only on the arguments, so that later attempts find the files. */
export function layoutFor(request: LayoutRequest): VmLayout {
  const { namespace, targetName, claims, format } = request;
  const folder = `${namespace}/${targetName}`;
  return layout(
    folder,
    claims.map((pvcName, index) => {
      const name = diskName(folder, targetName, index, format);
      return { name, beside: name, pvcName };
    }),
  );
}

/**
 * Returns the same names for a record. Adopted disks, and disks in claims, are elsewhere; only the files that belong to them are here.
 */
export const layoutOf = ({ folder, targetName, disks }: VmRecord): VmLayout =>
  layout(
    folder,
    disks.map(({ name, pvcName, format, adopted }, index) => {
      const isElsewhere = adopted === true || !name.startsWith(`${folder}/`);
      const beside = isElsewhere ? diskName(folder, targetName, index, format) : name;
      return { name, beside, pvcName };
    }),
  );

const diskName = (folder: string, targetName: string, index: number, format: string): string =>
  `${folder}/${targetName}-disk-${index}.${format}`;

/** @throws RecordMismatch if the record has no such disk */
export function diskLayoutOf(record: VmRecord, diskId: string): DiskLayout {
  const index = record.disks.findIndex((disk) => disk.diskId === diskId);
  const found = layoutOf(record).disks[index];
  if (found === undefined)
    throw new RecordMismatch(`the record of "${record.targetName}" has no disk "${diskId}"`);
  return found;
}

interface DiskNames {
  readonly name: string;
  /** Prefix of the names of all companion files of the disk. */
  readonly beside: string;
  readonly pvcName: string;
}

function layout(folder: string, disks: readonly DiskNames[]): VmLayout {
  return {
    folder,
    commitMarker: `${folder}/committed.json`,
    logs: {
      conversion: `${folder}/logs/virt-v2v.log`,
      bootProof: `${folder}/logs/boot-proof.log`,
      testConversion: `${folder}/logs/test-virt-v2v.log`,
      testBoot: `${folder}/logs/test-boot.log`,
      preflightInspection: `${folder}/logs/preflight-inspection.log`,
    },
    manifests: { virtualMachine: `${folder}/manifests/vm.yaml`, domain: `${folder}/manifests/domain.xml` },
    disks: disks.map(({ name, beside, pvcName }, index) => ({
      disk: name,
      chunks: `${beside}.chunks`,
      writer: `${beside}.writer.json`,
      overlay: `${beside}.overlay.qcow2`,
      testOverlay: `${beside}.test.qcow2`,
      unpacked: `${beside}.unpacked`,
      pvcName,
      pvcManifest: `${folder}/manifests/pvc-${index}.yaml`,
    })),
  };
}

const SECTOR = 512;

/** Rounds a disk's size in bytes up to whole sectors, as QEMU does. */
export const allocatedSize = (size: number): number => Math.ceil(size / SECTOR) * SECTOR;

/** Returns the names of a resource's files in the order in which to remove them: its companions first, then its own. */
export function filesOfResource({ kind, name }: Pick<Resource, 'kind' | 'name'>): readonly string[] {
  // Older versions called a draft `.new`.
  if (kind === 'writer-record') return [`${name}.new`, name];
  return kind === 'chunk-manifest' ? [`${name}.new`, ...ChunkManifest.beside(name), name] : [name];
}
