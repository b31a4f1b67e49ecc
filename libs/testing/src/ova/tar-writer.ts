import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';

const BLOCK = 512;

export interface BytesEntry {
  readonly name: string;
  readonly bytes: Buffer;
}

/** An entry of a tar, from a file or from bytes, or a link. Nothing about a name is checked: tests need the worst. */
export type TarEntry =
  | { readonly name: string; readonly file: string }
  | BytesEntry
  | { readonly name: string; readonly link: string; readonly kind: 'symlink' | 'hardlink' }
  /** A header that claims a size, and nothing after it. */
  | { readonly name: string; readonly claimedSize: number };

/** Writes a ustar archive (POSIX.1-1988), as OVF demands it (DSP0243, "Distribution"). */
export async function writeTar(path: string, entries: readonly TarEntry[]): Promise<void> {
  const out = await open(path, 'w');
  try {
    for (const entry of entries) {
      const size = await sizeOf(entry);
      await out.write(header(entry, size));
      if ('bytes' in entry) await out.write(entry.bytes);
      if ('file' in entry)
        for await (const chunk of createReadStream(entry.file, { highWaterMark: 1024 * 1024 }))
          await out.write(chunk as Buffer);
      if (!('claimedSize' in entry)) await out.write(Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK));
    }
    await out.write(Buffer.alloc(2 * BLOCK));
  } finally {
    await out.close();
  }
}

/** The same archive as bytes, from entries that are in memory. */
export function tarBytes(entries: readonly BytesEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const { length } = entry.bytes;
    return [header(entry, length), entry.bytes, Buffer.alloc((BLOCK - (length % BLOCK)) % BLOCK)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

async function sizeOf(entry: TarEntry): Promise<number> {
  if ('file' in entry) return (await stat(entry.file)).size;
  if ('bytes' in entry) return entry.bytes.length;
  return 'claimedSize' in entry ? entry.claimedSize : 0;
}

function header(entry: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(entry.name, 0, 100, 'utf8');
  block.write('0000644\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  writeSize(block, size);
  block.write('00000000000\0', 136);
  block.fill(' ', 148, 156);
  block.write('kind' in entry ? { hardlink: '1', symlink: '2' }[entry.kind] : '0', 156);
  if ('link' in entry) block.write(entry.link, 157, 100, 'utf8');
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

function writeSize(block: Buffer, size: number): void {
  const octal = size.toString(8);
  if (octal.length <= 11) {
    block.write(`${octal.padStart(11, '0')}\0`, 124);
    return;
  }
  // From 8 GiB on: GNU's base-256, marked by the highest bit, which every tar of today reads.
  block.writeUInt8(0x80, 124);
  block.writeBigUInt64BE(BigInt(size), 128);
}
