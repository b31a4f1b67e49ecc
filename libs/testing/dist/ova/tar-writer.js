import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
const BLOCK = 512;
/** Writes a ustar archive (POSIX.1-1988), as OVF demands it (DSP0243, "Distribution"). */
export async function writeTar(path, entries) {
    const out = await open(path, 'w');
    try {
        for (const entry of entries) {
            const size = await sizeOf(entry);
            await out.write(header(entry, size));
            if ('bytes' in entry)
                await out.write(entry.bytes);
            if ('file' in entry)
                for await (const chunk of createReadStream(entry.file, { highWaterMark: 1024 * 1024 }))
                    await out.write(chunk);
            if (!('claimedSize' in entry))
                await out.write(Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK));
        }
        await out.write(Buffer.alloc(2 * BLOCK));
    }
    finally {
        await out.close();
    }
}
/** The same archive as bytes, from entries that are in memory. */
export function tarBytes(entries) {
    const blocks = entries.flatMap((entry) => {
        const { length } = entry.bytes;
        return [header(entry, length), entry.bytes, Buffer.alloc((BLOCK - (length % BLOCK)) % BLOCK)];
    });
    return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}
async function sizeOf(entry) {
    if ('file' in entry)
        return (await stat(entry.file)).size;
    if ('bytes' in entry)
        return entry.bytes.length;
    return 'claimedSize' in entry ? entry.claimedSize : 0;
}
function header(entry, size) {
    const block = Buffer.alloc(BLOCK);
    block.write(entry.name, 0, 100, 'utf8');
    block.write('0000644\0', 100);
    block.write('0000000\0', 108);
    block.write('0000000\0', 116);
    writeSize(block, size);
    block.write('00000000000\0', 136);
    block.fill(' ', 148, 156);
    block.write('kind' in entry ? { hardlink: '1', symlink: '2' }[entry.kind] : '0', 156);
    if ('link' in entry)
        block.write(entry.link, 157, 100, 'utf8');
    block.write('ustar\x0000', 257, 'latin1');
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return block;
}
function writeSize(block, size) {
    const octal = size.toString(8);
    if (octal.length <= 11) {
        block.write(`${octal.padStart(11, '0')}\0`, 124);
        return;
    }
    // From 8 GiB on: GNU's base-256, marked by the highest bit, which every tar of today reads.
    block.writeUInt8(0x80, 124);
    block.writeBigUInt64BE(BigInt(size), 128);
}
//# sourceMappingURL=tar-writer.js.map