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
