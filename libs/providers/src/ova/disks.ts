import type { Concern, DiskBacking, SourceDisk } from '@ledgerlift/contracts';
import { blankDisk, otherCapacity } from './concerns.js';
import { BadOva, ovaCodes } from './errors.js';
import { type DiskReference, type FileReference, namesOf } from './references.js';
import type { HardwareDisk } from './hardware.js';
import { seenImage } from './image-header.js';
import type { Located, OvaPackage } from './package.js';
import type { Catalogue } from './virtual-system.js';

/** No exporting hypervisor supports larger disks; VMware's limit is 62 TiB. */
const LARGEST_DISK = 64 * 2 ** 40;
const MOST_CHUNKS = 10_000;
export type OvaBacking = Extract<DiskBacking, { kind: 'ova' }>;
/** The only storage of every OVA, for use in storage mappings. */
export const OVA_STORAGE = 'ova';

export interface ReadDisk {
  readonly disk: SourceDisk;
  readonly concerns: readonly Concern[];
}

/** The facts about a disk image that do not depend on the VM. */
export interface ReadImage {
  readonly backing: OvaBacking;
  /** Bytes, from the image; undefined if it does not state them. */
  readonly capacity: number | undefined;
}

/** Reads a disk of a VM. @throws BadOva */
export async function diskOf(drive: HardwareDisk, catalogue: Catalogue): Promise<ReadDisk> {
  const reference = usable(catalogue.disks.get(drive.diskId));
  if (reference === undefined)
    throw new BadOva(
      'badOvf',
      `'${drive.name}' names the disk '${drive.diskId}', which the DiskSection does not have`,
      'VirtualHardwareSection.Item.HostResource',
    );
  const { id, fileRef, capacityBytes: declared } = reference;
  const reading = catalogue.images.get(id) ?? readImage(reference, catalogue);
  catalogue.images.set(id, reading);
  const { backing, capacity } = await reading;
  // The image is copied, so its capacity counts. A disk without a declared capacity is left as it is and raises a concern.
  const capacityBytes = declared > 0 ? (capacity ?? declared) : declared;
  if (capacityBytes > Math.max(declared, LARGEST_DISK))
    throw new BadOva(
      'badDisk',
      `disk '${id}' has ${capacityBytes} bytes by its image, more than any disk, and ${declared} by the OVF`,
      `${reference.field}.capacity`,
    );
  const { bus, controller, unit, name } = drive;
  const disk: SourceDisk = {
    id,
    name,
    capacityBytes,
    storage: OVA_STORAGE,
    bus: bus === 'unknown' ? (reference.bus ?? bus) : bus,
    controller,
    unit,
    shared: false,
    backing,
  };
  const concerns = [
    ...(fileRef === undefined ? [blankDisk(disk)] : []),
    ...(isOtherThan(declared, capacityBytes) ? [otherCapacity(disk, declared)] : []),
  ];
  return { disk, concerns };
}

/** Exporters round up to their unit, at most GiB. A capacity smaller than the image, or much larger, is wrong. */
const isOtherThan = (declared: number, actual: number): boolean =>
  declared < actual || declared - actual >= 2 ** 30;

/** @throws BadOva if the entry of the package is wrong, which affects only the VMs that use it */
function usable<Entry>(entry: Entry | BadOva | undefined): Entry | undefined {
  if (entry instanceof BadOva) throw entry;
  return entry;
}

async function readImage(
  disk: DiskReference,
  { files, pkg, exportedBy }: Pick<Catalogue, 'files' | 'pkg' | 'exportedBy'>,
): Promise<ReadImage> {
  // DSP0243, DiskSection: a disk without a file is an empty one.
  if (disk.fileRef === undefined)
    return { backing: { kind: 'ova', format: 'raw', parts: [], compression: 'none' }, capacity: undefined };
  const file = usable(files.get(disk.fileRef));
  if (file === undefined)
    throw new BadOva(
      'badOvf',
      `disk '${disk.id}' names the file '${disk.fileRef}', which the References do not have`,
      `${disk.field}.fileRef`,
    );
  const field = `References.File[${file.id}].href`;
  const { parts, isWhole } = await partsOf(file, pkg, field);
  const digest = isWhole
    ? namesOf(file.href, field).flatMap((name) => pkg.manifest.get(name) ?? [])[0]
    : undefined;
  const { compression } = file;
  const { format, field: ofDisk } = disk;
  const seen = await seenImage({ format, exportedBy, parts, compression, field: ofDisk });
  return {
    backing: {
      kind: 'ova',
      format: seen.format,
      parts,
      compression,
      ...(digest === undefined ? {} : { digest }),
    },
    capacity: seen.capacity,
  };
}

/** Lists the parts of a file: itself, or its chunks. Some tools write chunks without a chunkSize. */
async function partsOf(
  file: FileReference,
  pkg: OvaPackage,
  field: string,
): Promise<{ readonly parts: Located[]; readonly isWhole: boolean }> {
  if (file.chunkSize !== undefined) return { parts: await chunksOf(file, pkg, field), isWhole: false };
  try {
    return { parts: [await pkg.find(file.href, field)], isWhole: true };
  } catch (error) {
    if (!(error instanceof BadOva) || error.code !== ovaCodes.missingFile) throw error;
    const parts = await chunksOf({ ...file, size: undefined }, pkg, field).catch(() => []);
    if (parts.length === 0) throw error;
    return { parts, isWhole: false };
  }
}

async function chunksOf(file: FileReference, pkg: OvaPackage, field: string): Promise<Located[]> {
  const parts: Located[] = [];
  const { chunkSize = 0, size } = file;
  // Without a size, the only way to count chunks is to look for the next one.
  const count = size === undefined || chunkSize === 0 ? undefined : Math.ceil(size / chunkSize);
  for (let index = 0; index < (count ?? MOST_CHUNKS); index += 1) {
    const part = await pkg.find(chunkName(file.href, index), field).catch((error: unknown) => {
      if (count === undefined && index > 0) return undefined;
      throw error;
    });
    if (part === undefined) break;
    parts.push(part);
  }
  return parts;
}

const chunkName = (href: string, index: number): string => `${href}.${String(index).padStart(9, '0')}`;
