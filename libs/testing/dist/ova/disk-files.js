import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGzip } from 'node:zlib';
const run = promisify(execFile);
/** Writes a disk's files into the folder: VMDK, then gzip, then chunks, as DSP0243 orders them. */
export async function packDisk(disk, { folder, name, number }) {
    const subformat = disk.subformat ?? 'streamOptimized';
    const vmdk = `${name}-disk${number}.vmdk`;
    const options = `subformat=${subformat},adapter_type=lsilogic,hwversion=13`;
    await run('qemu-img', ['convert', '-f', 'raw', '-O', 'vmdk', '-o', options, disk.raw, join(folder, vmdk)]);
    let href = vmdk;
    if (disk.compression === 'gzip') {
        href = `${vmdk}.gz`;
        await pipeline(createReadStream(join(folder, vmdk)), createGzip({ level: 1 }), createWriteStream(join(folder, href)));
        await rm(join(folder, vmdk));
    }
    const { size } = await stat(join(folder, href));
    const files = disk.chunkSize === undefined ? [href] : await cut(folder, href, { size, chunkSize: disk.chunkSize });
    const flat = (await readdir(folder)).filter((file) => file === vmdk.replace(/\.vmdk$/, '-flat.vmdk'));
    const capacity = (await stat(disk.raw)).size;
    return {
        diskId: `vmdisk${number}`,
        fileId: `file${number}`,
        href,
        size,
        capacity,
        disk,
        files: [...files, ...flat],
    };
}
/** Cuts a file into `href.000000000`, `href.000000001`, …, and removes it. */
async function cut(folder, href, { size, chunkSize }) {
    const whole = join(folder, `${href}.whole`);
    await rename(join(folder, href), whole);
    const source = await open(whole);
    const files = [];
    try {
        for (let at = 0; at < size; at += chunkSize) {
            const file = `${href}.${String(files.length).padStart(9, '0')}`;
            const end = Math.min(at + chunkSize, size) - 1;
            await pipeline(source.createReadStream({ start: at, end, autoClose: false }), createWriteStream(join(folder, file)));
            files.push(file);
        }
    }
    finally {
        await source.close();
    }
    await rm(whole);
    return files;
}
//# sourceMappingURL=disk-files.js.map