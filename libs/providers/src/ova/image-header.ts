import { BadOva } from './errors.js';
import type { ImageBytes } from './image-bytes.js';

export type ImageFormat = 'vmdk' | 'raw' | 'qcow2' | 'vhd';

const SECTOR = 512;

/**
 * What a disk image says of its own size, so that a descriptor that says otherwise is found before anything moves. An
 * image may also name other files, which qemu would open with the rights of the worker: whoever made the OVA would
 * find any file of the worker's machine in the guest's disk. Such an image is refused.
 *
 * @param name of the image, for the message
 * @returns bytes; undefined where the format does not say
 * @throws BadOva when it is no image of this format, is cut off, or needs another file
 */
export async function inspectImage(
  format: ImageFormat,
  bytes: ImageBytes,
  name: string,
  field: string,
): Promise<number | undefined> {
  const image: Image = {
    bytes,
    refused: (why) => new BadOva('badDisk', `${name} ${why}`, field),
    namesOthers: (what) => new BadOva('foreignFile', `${name} ${what}; nothing outside the OVA is read`, field),
  };
  switch (format) {
    case 'vmdk':
      return inspectVmdk(image);
    case 'qcow2':
      return inspectQcow2(image);
    case 'vhd':
      return inspectVhd(image);
    case 'raw':
      return bytes.length;
  }
}

interface Image {
  readonly bytes: ImageBytes;
  refused(why: string): BadOva;
  namesOthers(what: string): BadOva;
}

/** GD_AT_END: the header that counts is the footer, in the last but one sector of the file. */
const DIRECTORY_AT_END = 0xffffffffffffffffn;
/** qemu reads a sparse VMDK's descriptor here, whatever its header says (block/vmdk.c, `desc_offset` and `DESC_SIZE`). */
const DESCRIPTOR = { offset: SECTOR, length: 20 * SECTOR };

/** VMware Virtual Disk Format 5.0: 'KDMV', version, flags, capacity in sectors; the grain directory's sector at 56. */
async function inspectVmdk(image: Image): Promise<number> {
  const { bytes, refused, namesOthers } = image;
  const head = await bytes.read(0, SECTOR);
  if (/^\s*# Disk DescriptorFile/i.test(head.toString('latin1', 0, 64)))
    throw namesOthers('is the descriptor of a VMDK whose data are in other files');
  if (head.length < 64 || head.toString('latin1', 0, 4) !== 'KDMV')
    throw refused('is no sparse VMDK, which is what an OVA holds');
  const capacity = head.readBigUInt64LE(12);
  // Without a capacity of its own it is no more than a descriptor to qemu.
  if (capacity === 0n) throw namesOthers('has no capacity, and its data are in other files');
  const descriptor = (await bytes.read(DESCRIPTOR.offset, DESCRIPTOR.length)).toString('latin1');
  if (/parentFileNameHint/i.test(descriptor) || /^\s*parentCID\s*=\s*(?!f{8}|\s)/im.test(descriptor))
    throw namesOthers('is a delta of another disk: export the VM without snapshots');
  await assertWhole(image, head, capacity);
  return toBytes(capacity * BigInt(SECTOR), image);
}

/** A VMDK that was cut off has lost its grain directory, which the end of the file or the header's offset tells. */
async function assertWhole(
  { bytes, refused }: Image,
  head: Buffer,
  capacity: bigint,
): Promise<void> {
  const { length } = bytes;
  if (length === undefined) return;
  const cut = refused('ends early; fetch or export the OVA again');
  const directory = head.readBigUInt64LE(56);
  if (directory !== DIRECTORY_AT_END) {
    if (directory * BigInt(SECTOR) >= BigInt(length)) throw cut;
    return;
  }
  const footer = await bytes.read(Math.max(0, length - 2 * SECTOR), SECTOR);
  if (length < 3 * SECTOR || footer.toString('latin1', 0, 4) !== 'KDMV') throw cut;
  if (footer.readBigUInt64LE(12) !== capacity)
    throw refused('has one capacity at its beginning and another one at its end; export the VM again');
}

const EXTERNAL_DATA = 1n << 2n;

/** QEMU's docs/interop/qcow2.txt: backing file at 8, size at 24, encryption at 32, incompatible features at 72. */
async function inspectQcow2(image: Image): Promise<number> {
  const { bytes, refused, namesOthers } = image;
  const head = await bytes.read(0, 104);
  if (head.length < 72 || head.readUInt32BE(0) !== 0x514649fb) throw refused('is no qcow2 image');
  if (head.readBigUInt64BE(8) !== 0n) throw namesOthers('is an overlay over another file');
  if (head.readUInt32BE(32) !== 0) throw refused('is encrypted; export the VM without encryption');
  const features = head.readUInt32BE(4) >= 3 && head.length >= 80 ? head.readBigUInt64BE(72) : 0n;
  if ((features & EXTERNAL_DATA) !== 0n) throw namesOthers('keeps its data in another file');
  return toBytes(head.readBigUInt64BE(24), image);
}

const DIFFERENCING = 4;

/** Virtual Hard Disk Image Format 1.0: a footer of 512 bytes, current size at 48, type at 60; a copy of it leads. */
async function inspectVhd(image: Image): Promise<number | undefined> {
  const { bytes, refused, namesOthers } = image;
  const at = bytes.length === undefined ? 0 : Math.max(0, bytes.length - SECTOR);
  const footer = await bytes.read(at, SECTOR);
  if (footer.length < SECTOR || footer.toString('latin1', 0, 8) !== 'conectix') {
    // A compressed one of fixed size has its footer at the end only.
    if (bytes.length === undefined) return undefined;
    throw refused('is no VHD');
  }
  if (footer.readUInt32BE(60) === DIFFERENCING) throw namesOthers('is a delta of another disk');
  return toBytes(footer.readBigUInt64BE(48), image);
}

function toBytes(value: bigint, { refused }: Image): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw refused(`claims ${value} bytes`);
  return Number(value);
}
