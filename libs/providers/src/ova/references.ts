import type { SourceDisk } from '@ledgerlift/contracts';
import { BadOva } from './errors.js';
import { type XmlElement, childOf, childrenOf } from './xml.js';
import { bytesOf, bytesPerUnit } from './units.js';

export interface FileReference {
  readonly id: string;
  readonly href: string;
  readonly compression: 'none' | 'gzip';
  /** Bytes in each chunk but the last; the chunks are named `{href}.000000000` and so on (DSP0243, 7.1). */
  readonly chunkSize: number | undefined;
  readonly size: number | undefined;
}

export interface DiskReference {
  readonly id: string;
  /** None: an empty disk. */
  readonly fileRef: string | undefined;
  readonly capacityBytes: number;
  /** Undefined: it names no format that is known. */
  readonly format: 'vmdk' | 'raw' | 'qcow2' | 'vhd' | undefined;
  /** oVirt says here what others say by a controller. */
  readonly bus: SourceDisk['bus'] | undefined;
  readonly isBoot: boolean;
  readonly field: string;
}

/** By id. An entry that is wrong is kept as its error, so that only the VMs that use it are refused. */
export type References<Entry> = ReadonlyMap<string, Entry | BadOva>;

/** The files of a package. Wrong: two files with one id, an unknown compression. */
export function fileReferences(envelope: XmlElement): References<FileReference> {
  const elements = childrenOf(childOf(envelope, 'References'), 'File');
  return referencesOf(elements, { list: 'References.File', idName: 'id' }, (element, id, field) => {
    const compression = element.attributes.get('compression') ?? 'identity';
    if (compression !== 'identity' && compression !== 'gzip' && compression !== '') {
      throw new BadOva(
        'unsupported',
        `${field} is compressed by '${compression}'; gzip is supported`,
        `${field}.compression`,
      );
    }
    return {
      id,
      href: element.attributes.get('href') ?? '',
      compression: compression === 'gzip' ? 'gzip' : 'none',
      chunkSize: wholeNumber(element.attributes.get('chunkSize'), `${field}.chunkSize`),
      size: wholeNumber(element.attributes.get('size'), `${field}.size`),
    };
  });
}

/** The disks of a package. Wrong: two disks with one id, a delta, a capacity that is no number. */
export function diskReferences(envelope: XmlElement): References<DiskReference> {
  const elements = childrenOf(childOf(envelope, 'DiskSection'), 'Disk');
  return referencesOf(elements, { list: 'DiskSection.Disk', idName: 'diskId' }, (element, id, field) => {
    // oVirt writes an empty one on each disk.
    if ((element.attributes.get('parentRef') ?? '').trim() !== '') {
      throw new BadOva(
        'unsupported',
        `disk '${id}' is a delta of another one; export the VM without snapshots`,
        `${field}.parentRef`,
      );
    }
    const unit = bytesPerUnit(
      element.attributes.get('capacityAllocationUnits') ?? 'byte',
      `${field}.capacityAllocationUnits`,
    );
    const capacity = element.attributes.get('capacity') ?? '';
    const capacityBytes = bytesOf(capacity, unit);
    if (capacityBytes === undefined)
      throw new BadOva(
        'badOvf',
        `disk '${id}' has the capacity '${capacity.slice(0, 50)}'`,
        `${field}.capacity`,
      );
    const fileRef = (element.attributes.get('fileRef') ?? '').trim();
    return {
      id,
      fileRef: fileRef === '' ? undefined : fileRef,
      capacityBytes,
      format: formatOf(element.attributes.get('format') ?? ''),
      bus: oVirtBus[(element.attributes.get('disk-interface') ?? '').toLowerCase()],
      isBoot: element.attributes.get('boot') === 'true',
      field,
    };
  });
}

function referencesOf<Entry>(
  elements: readonly XmlElement[],
  { list, idName }: { readonly list: string; readonly idName: string },
  read: (element: XmlElement, id: string, field: string) => Entry,
): References<Entry> {
  const entries = new Map<string, Entry | BadOva>();
  elements.forEach((element, index) => {
    const field = `${list}[${index}]`;
    const id = element.attributes.get(idName) ?? '';
    if (entries.has(id) || id === '') {
      // Which of the two is meant cannot be known, so neither is used.
      const why = id === '' ? `no ${idName}` : `the ${idName} '${id.slice(0, 100)}' of another entry`;
      entries.set(id, new BadOva('badOvf', `${field} has ${why}`, `${field}.${idName}`));
      return;
    }
    try {
      entries.set(id, read(element, id, field));
    } catch (error) {
      if (!(error instanceof BadOva)) throw error;
      entries.set(id, error);
    }
  });
  return entries;
}

function formatOf(uri: string): DiskReference['format'] {
  const words = uri.toLowerCase();
  if (words.includes('qcow')) return 'qcow2';
  if (words.includes('vhd')) return 'vhd';
  if (words.includes('raw')) return 'raw';
  return words.includes('vmdk') ? 'vmdk' : undefined;
}

/** DiskInterface of oVirt's engine. */
const oVirtBus: Readonly<Record<string, SourceDisk['bus']>> = {
  virtio_scsi: 'scsi',
  spapr_vscsi: 'scsi',
  virtio: 'virtio',
  ide: 'ide',
  sata: 'sata',
};

function wholeNumber(text: string | undefined, field: string): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,15}$/.test(text))
    throw new BadOva('badOvf', `'${text.slice(0, 50)}' is no number of bytes`, field);
  return Number(text);
}
