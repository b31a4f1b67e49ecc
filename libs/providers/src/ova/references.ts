import { BadOva } from './errors.js';
import { type XmlElement, childOf, childrenOf } from './xml.js';
import { bytesPerUnit } from './units.js';

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
  readonly fileRef: string | undefined;
  readonly capacityBytes: number;
  readonly format: 'vmdk' | 'raw' | 'qcow2' | 'vhd';
  readonly field: string;
}

/** @throws BadOva for two files with one id, or an unknown compression */
export function fileReferences(envelope: XmlElement): ReadonlyMap<string, FileReference> {
  const files = new Map<string, FileReference>();
  childrenOf(childOf(envelope, 'References'), 'File').forEach((element, index) => {
    const field = `References.File[${index}]`;
    const id = element.attributes.get('id') ?? '';
    if (id === '' || files.has(id))
      throw new BadOva(
        'badOvf',
        `${field} has ${id === '' ? 'no id' : `the id '${id}' of another file`}`,
        `${field}.id`,
      );
    const compression = element.attributes.get('compression') ?? 'identity';
    if (compression !== 'identity' && compression !== 'gzip' && compression !== '') {
      throw new BadOva(
        'unsupported',
        `${field} is compressed by '${compression}'; gzip is supported`,
        `${field}.compression`,
      );
    }
    files.set(id, {
      id,
      href: element.attributes.get('href') ?? '',
      compression: compression === 'gzip' ? 'gzip' : 'none',
      chunkSize: wholeNumber(element.attributes.get('chunkSize'), `${field}.chunkSize`),
      size: wholeNumber(element.attributes.get('size'), `${field}.size`),
    });
  });
  return files;
}

/** @throws BadOva for two disks with one id, or a capacity that is no number */
export function diskReferences(envelope: XmlElement): ReadonlyMap<string, DiskReference> {
  const disks = new Map<string, DiskReference>();
  childrenOf(childOf(envelope, 'DiskSection'), 'Disk').forEach((element, index) => {
    const field = `DiskSection.Disk[${index}]`;
    const id = element.attributes.get('diskId') ?? '';
    if (id === '' || disks.has(id))
      throw new BadOva(
        'badOvf',
        `${field} has ${id === '' ? 'no diskId' : `the diskId '${id}' of another disk`}`,
        `${field}.diskId`,
      );
    if (element.attributes.has('parentRef')) {
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
    const capacity = (element.attributes.get('capacity') ?? '').trim();
    if (!/^-?\d{1,18}$/.test(capacity))
      throw new BadOva(
        'badOvf',
        `disk '${id}' has the capacity '${capacity.slice(0, 50)}'`,
        `${field}.capacity`,
      );
    const capacityBytes = Number(capacity) * unit;
    if (!Number.isSafeInteger(capacityBytes))
      throw new BadOva(
        'badOvf',
        `disk '${id}' has a capacity of ${capacityBytes} bytes`,
        `${field}.capacity`,
      );
    disks.set(id, {
      id,
      fileRef: element.attributes.get('fileRef'),
      capacityBytes,
      format: formatOf(element.attributes.get('format') ?? ''),
      field,
    });
  });
  return disks;
}

function formatOf(uri: string): DiskReference['format'] {
  const words = uri.toLowerCase();
  if (words.includes('qcow')) return 'qcow2';
  if (words.includes('vhd')) return 'vhd';
  if (words.includes('raw')) return 'raw';
  // Every known exporter means a VMDK, also where it names no format.
  return 'vmdk';
}

function wholeNumber(text: string | undefined, field: string): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,15}$/.test(text))
    throw new BadOva('badOvf', `'${text.slice(0, 50)}' is no number of bytes`, field);
  return Number(text);
}
