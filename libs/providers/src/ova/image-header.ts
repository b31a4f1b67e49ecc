import { open } from 'node:fs/promises';
import { constants, gunzipSync } from 'node:zlib';
import { BadOva } from './errors.js';
import type { Located } from './package.js';

const SECTOR = 512;
const HEAD_LENGTH = 64 * 1024;

/**
 * What a disk image says of its own size, so that a descriptor that says otherwise is found before anything moves.
 *
 * @returns bytes; undefined where the format does not say
 * @throws BadOva when it is no image of this format
 */
export async function capacityInImage(
  format: 'vmdk' | 'raw' | 'qcow2' | 'vhd',
  first: Located,
  compression: 'none' | 'gzip',
  field: string,
): Promise<number | undefined> {
  const head = await readHead(first, compression, field);
  switch (format) {
    case 'vmdk':
      // VMware Virtual Disk Format 5.0: 'KDMV', version, flags, capacity in sectors.
      if (head.length < 20 || head.toString('latin1', 0, 4) !== 'KDMV') {
        throw new BadOva('badDisk', `${first.file} is no sparse VMDK, which is what an OVA holds`, field);
      }
      if (compression === 'none') await assertWhole(first, head, field);
      return Number(head.readBigUInt64LE(12)) * SECTOR;
    case 'qcow2':
      if (head.length < 32 || head.readUInt32BE(0) !== 0x514649fb)
        throw new BadOva('badDisk', `${first.file} is no qcow2 image`, field);
      return Number(head.readBigUInt64BE(24));
    case 'raw':
    case 'vhd':
      return undefined;
  }
}

/** GD_AT_END: the header that counts is the footer, in the last but one sector of the file. */
const DIRECTORY_AT_END = 0xffffffffffffffffn;

/** A VMDK that was cut off has lost its grain directory, which the end of the file or the header's offset tells. */
async function assertWhole({ file, offset, length }: Located, head: Buffer, field: string): Promise<void> {
  const directory = head.length >= 64 ? head.readBigUInt64LE(56) : 0n;
  const cut = new BadOva('badDisk', `the VMDK in ${file} ends early; fetch or export the OVA again`, field);
  if (directory !== DIRECTORY_AT_END) {
    if (directory * BigInt(SECTOR) >= BigInt(length)) throw cut;
    return;
  }
  if (length < 3 * SECTOR) throw cut;
  const handle = await open(file, 'r');
  try {
    const footer = Buffer.alloc(4);
    await handle.read(footer, 0, footer.length, offset + length - 2 * SECTOR);
    if (footer.toString('latin1') !== 'KDMV') throw cut;
  } finally {
    await handle.close();
  }
}

async function readHead(
  { file, offset, length }: Located,
  compression: 'none' | 'gzip',
  field: string,
): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const head = Buffer.alloc(Math.min(HEAD_LENGTH, length));
    await handle.read(head, 0, head.length, offset);
    if (compression === 'none') return head;
    return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 256 * HEAD_LENGTH });
  } catch (error) {
    throw new BadOva(
      'badDisk',
      `${file} is not compressed by gzip, as the OVF says: ${error instanceof Error ? error.message : String(error)}`,
      field,
    );
  } finally {
    await handle.close();
  }
}
