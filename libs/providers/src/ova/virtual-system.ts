import { createHash } from 'node:crypto';
import type { DiskBacking, SourceDisk, SourceVm } from '@ledgerlift/contracts';
import { ovaConcerns } from './concerns.js';
import { BadOva } from './errors.js';
import { type HardwareDisk, hardwareOf } from './hardware.js';
import { capacityInImage } from './image-header.js';
import type { Located, OvaPackage } from './package.js';
import type { DiskReference, FileReference, References } from './references.js';
import { type XmlElement, childOf, childrenOf, textOf } from './xml.js';

export interface Catalogue {
  readonly pkg: OvaPackage;
  readonly files: References<FileReference>;
  readonly disks: References<DiskReference>;
  readonly exportedBy: string;
}

const MOST_CHUNKS = 10_000;
export type OvaBacking = Extract<DiskBacking, { kind: 'ova' }>;
/** The one storage of every OVA, which a storage mapping names. */
export const OVA_STORAGE = 'ova';

/** The virtual systems of an envelope: one, or those of a collection, however deep. */
export function virtualSystems(element: XmlElement): readonly XmlElement[] {
  return element.children.flatMap((child) => {
    if (child.name === 'VirtualSystem') return [child];
    return child.name === 'VirtualSystemCollection' ? virtualSystems(child) : [];
  });
}

/** One virtual system as a VM. @throws BadOva */
export async function vmOf(system: XmlElement, catalogue: Catalogue): Promise<SourceVm> {
  const { pkg, exportedBy } = catalogue;
  const systemId = system.attributes.get('id') ?? '';
  const name = textOf(system, 'Name') || systemId;
  if (name === '') throw new BadOva('badOvf', 'a virtual system has neither id nor name', 'VirtualSystem.id');
  const hardware = hardwareOf(system, `VirtualSystem[${systemId}]`);
  const disks: SourceDisk[] = [];
  for (const drive of hardware.disks) disks.push(await diskOf(drive, catalogue));
  const os = childOf(system, 'OperatingSystemSection');
  const vm = {
    id: shortHash(`${pkg.path}\n${systemId}`),
    name,
    path: `${pkg.path}#${systemId}`,
    powerState: 'off' as const,
    cpu: {
      count: hardware.cpus,
      coresPerSocket: hardware.coresPerSocket,
      affinity: [...hardware.cpuAffinity],
      hotAdd: hardware.cpuHotAdd,
    },
    memory: { bytes: hardware.memoryBytes, hotAdd: hardware.memoryHotAdd },
    firmware: hardware.firmware,
    secureBoot: hardware.secureBoot,
    tpm: hardware.tpm,
    os: osOf(os),
    disks,
    nics: [...hardware.nics],
    exportedBy,
  };
  return { ...vm, fingerprint: shortHash(JSON.stringify([pkg.stamp, vm])), concerns: [...ovaConcerns(vm)] };
}

async function diskOf(drive: HardwareDisk, { pkg, files, disks }: Catalogue): Promise<SourceDisk> {
  const disk = usable(disks.get(drive.diskId));
  if (disk === undefined)
    throw new BadOva(
      'badOvf',
      `'${drive.name}' names the disk '${drive.diskId}', which the DiskSection does not have`,
      'VirtualHardwareSection.Item.HostResource',
    );
  let { capacityBytes } = disk;
  const backing = await backingOf(disk, files, pkg);
  const inImage = await capacityInImage(backing.format, backing.parts, backing.compression, disk.field);
  if (capacityBytes > 0) {
    // Some exporters round up to their unit; what the image has is what is copied.
    if (inImage !== undefined && inImage > capacityBytes) {
      throw new BadOva(
        'badDisk',
        `disk '${disk.id}' has ${capacityBytes} bytes by the OVF and ${inImage} by its image`,
        `${disk.field}.capacity`,
      );
    }
    capacityBytes = inImage ?? capacityBytes;
  }
  const { bus, controller, unit } = drive;
  return {
    id: disk.id,
    name: drive.name,
    capacityBytes,
    storage: OVA_STORAGE,
    bus,
    controller,
    unit,
    shared: false,
    backing,
  };
}

/** @throws BadOva where the entry of the package is wrong: only the VMs that use it are affected */
function usable<Entry>(entry: Entry | BadOva | undefined): Entry | undefined {
  if (entry instanceof BadOva) throw entry;
  return entry;
}

async function backingOf(
  disk: DiskReference,
  files: References<FileReference>,
  pkg: OvaPackage,
): Promise<OvaBacking> {
  if (disk.fileRef === undefined) {
    throw new BadOva(
      'unsupported',
      `disk '${disk.id}' has no file: an empty disk; add it to the target VM after the migration`,
      `${disk.field}.fileRef`,
    );
  }
  const file = usable(files.get(disk.fileRef));
  if (file === undefined)
    throw new BadOva(
      'badOvf',
      `disk '${disk.id}' names the file '${disk.fileRef}', which the References do not have`,
      `${disk.field}.fileRef`,
    );
  const field = `References.File[${file.id}].href`;
  const parts =
    file.chunkSize === undefined ? [await pkg.find(file.href, field)] : await chunksOf(file, pkg, field);
  const digest = file.chunkSize === undefined ? pkg.manifest.get(file.href) : undefined;
  return {
    kind: 'ova',
    format: disk.format,
    parts,
    compression: file.compression,
    ...(digest === undefined ? {} : { digest }),
  };
}

async function chunksOf(file: FileReference, pkg: OvaPackage, field: string): Promise<Located[]> {
  const parts: Located[] = [];
  const { chunkSize = 0, size } = file;
  // Without a size there is no telling how many there are but to look for the next.
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

export const chunkName = (href: string, index: number): string => `${href}.${String(index).padStart(9, '0')}`;

function osOf(section: XmlElement | undefined): SourceVm['os'] {
  const vboxType = textOf(section, 'OSType');
  const id = section?.attributes.get('osType') ?? (vboxType || (section?.attributes.get('id') ?? ''));
  const description = textOf(section, 'Description') || id;
  const words = `${id} ${description}`.toLowerCase();
  const family = /windows|winnet|win\d/.test(words)
    ? 'windows'
    : /linux|debian|ubuntu|rhel|centos|suse|sles|fedora|rocky|alma|oracle|coreos|photon/.test(words)
      ? 'linux'
      : words.trim() === ''
        ? 'unknown'
        : 'other';
  return { id, description, family };
}

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

/** Who wrote the OVF: by the namespaces that it declares and uses, for nothing in the standard says so. */
export function exporterOf(envelope: XmlElement): string {
  const spaces = [...envelope.attributes].map(([key, value]) => `${key}=${value}`).join(' ');
  if (/virtualbox/i.test(spaces)) return 'VirtualBox';
  if (/vmware/i.test(spaces)) return 'VMware';
  if (/ovirt/i.test(spaces)) return 'oVirt';
  return 'unknown';
}

/** @returns names and descriptions of the networks that an envelope declares */
export function networksOf(
  envelope: XmlElement,
): readonly { readonly name: string; readonly description: string }[] {
  return childrenOf(childOf(envelope, 'NetworkSection'), 'Network').flatMap((network) => {
    const name = network.attributes.get('name') ?? '';
    return name === '' ? [] : [{ name, description: textOf(network, 'Description') }];
  });
}
