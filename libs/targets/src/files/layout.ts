import type { VmRecord } from '@ledgerlift/contracts';
import { RecordMismatch } from '../errors.js';

/** Where everything of one disk lies; paths relative to the target's root. */
export interface DiskLayout {
  /** The disk that the user gets. */
  readonly disk: string;
  /** Chunk hashes of what was copied. */
  readonly chunks: string;
  /** Who writes the disk now. */
  readonly writer: string;
  /** Conversion happens here. */
  readonly overlay: string;
  /** A test boot's conversion happens here, and is thrown away. */
  readonly testOverlay: string;
  /** A source that cannot be read at an offset is unpacked here. */
  readonly unpacked: string;
  readonly pvcName: string;
  readonly pvcManifest: string;
}

/** Where everything of one VM lies; paths relative to the target's root. */
export interface VmLayout {
  readonly folder: string;
  /** Overlays are complete and flushed: from here on only the commit is repeated. */
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

/** Names of all that one VM's migration makes. They follow from the arguments alone, so that whoever comes later finds it. */
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
 * The same names, as the record has them. A disk that the user brought, or that is a claim, lies elsewhere, and only what is beside it
 * here.
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

/** @throws RecordMismatch where the record has no such disk */
export function diskLayoutOf(record: VmRecord, diskId: string): DiskLayout {
  const index = record.disks.findIndex((disk) => disk.diskId === diskId);
  const found = layoutOf(record).disks[index];
  if (found === undefined)
    throw new RecordMismatch(`the record of "${record.targetName}" has no disk "${diskId}"`);
  return found;
}

interface DiskNames {
  readonly name: string;
  /** What the names of everything that belongs to the disk begin with. */
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
