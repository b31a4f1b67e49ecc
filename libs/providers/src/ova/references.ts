import type { SourceDisk } from '@ledgerlift/contracts';
import { BadOva } from './errors.js';
import { bytesOf, bytesPerUnit } from './units.js';
import { childOf, childrenOf, type XmlElement } from './xml.js';

/**
 * Lists the possible file names of an `href`, the likeliest first. An href is a URI (DSP0243, References) and is decoded once. Some
 * tools write the plain name instead, which may contain a `%`.
 *
 * @throws BadOva for a URL, and if one of the names leads out of the package
 */
export function namesOf(href: string, field: string): readonly string[] {
  if (href === '') throw new BadOva('badOvf', 'a file reference has no href', field);
  if (/^[a-z][a-z0-9+.-]*:/i.test(href)) {
    throw new BadOva('unsupported', `'${href.slice(0, 200)}' is a URL; put the file beside the OVF`, field);
  }
  const names = new Set([decoded(href), href].map((name) => name.replace(/^(\.\/)+/, '')));
  for (const name of names) checkName(name, field);
  return [...names];
}

/** @throws BadOva */
export function checkName(name: string, field: string): void {
  const parts = name.split(/[\\/]/);
  if (name.startsWith('/') || name.includes('\0') || parts.includes('..')) {
    throw new BadOva('unsafePath', `'${name.slice(0, 200)}' leads out of the package`, field);
  }
}

function decoded(href: string): string {
  try {
    return decodeURIComponent(href);
  } catch {
    return href;
  }
}

/** Normalizes a name, because macOS decomposes characters such as `ü` and other systems do not. */
export const sameName = (name: string): string => name.normalize('NFC');

/** Whether a file is a macOS attribute file (AppleDouble), which is never a descriptor or disk. */
export const isOfMacOs = (name: string): boolean =>
  name.split('/').some((part) => part.startsWith('._') || part === '__MACOSX');

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
  /** Absent for an empty disk. */
  readonly fileRef: string | undefined;
  readonly capacityBytes: number;
  /** Undefined for an unknown format. */
  readonly format: 'vmdk' | 'raw' | 'qcow2' | 'vhd' | undefined;
  /** Set by oVirt; other exporters use a controller instead. */
  readonly bus: SourceDisk['bus'] | undefined;
  readonly isBoot: boolean;
  readonly field: string;
}

/** Entries by id. A wrong entry is kept as its error, so that only the VMs that use it are refused. */
export type References<Entry> = ReadonlyMap<string, Entry | BadOva>;

/** Reads the files of a package. Wrong entries: duplicate ids, unknown compression. */
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

/** Reads the disks of a package. Wrong entries: duplicate ids, deltas, capacities that are not numbers. */
export function diskReferences(envelope: XmlElement): References<DiskReference> {
  const elements = childrenOf(childOf(envelope, 'DiskSection'), 'Disk');
  return referencesOf(elements, { list: 'DiskSection.Disk', idName: 'diskId' }, (element, id, field) => {
    // oVirt writes an empty parentRef on each disk.
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
      // A reference to a duplicate id is ambiguous, so use neither.
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
