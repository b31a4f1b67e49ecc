import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packDisk } from './disk-files.js';
import { manifest } from './manifest.js';
import { ovfDocument } from './ovf-document.js';
import { writeTar } from './tar-writer.js';
/**
 * Builds an OVA from raw disks, as `NAME.ova` in the folder, or as the folder `NAME` with `NAME.ovf` in it.
 * Needs qemu-img.
 */
export async function buildOva(spec) {
    const unpacked = spec.packing === 'folder';
    const work = unpacked ? join(spec.folder, spec.name) : await mkdtemp(join(spec.folder, '.ova-'));
    await mkdir(work, { recursive: true });
    const vms = await packVms(spec, work);
    const ovf = `${spec.name}.ovf`;
    await writeFile(join(work, ovf), ovfDocument(spec, vms));
    const disks = vms.flatMap((vm) => vm.disks.flatMap((disk) => disk.files));
    const files = await withManifest(spec, work, { ovf, disks });
    if (unpacked)
        return { path: join(work, ovf), files };
    const path = join(spec.folder, `${spec.name}.ova`);
    await writeTar(path, files.map((name) => ({ name, file: join(work, name) })));
    await rm(work, { recursive: true });
    return { path, files };
}
async function packVms(spec, folder) {
    const packed = [];
    let number = 0;
    for (const vm of spec.vms) {
        const disks = [];
        for (const disk of vm.disks) {
            number += 1;
            disks.push(await packDisk(disk, { folder, name: spec.name, number }));
        }
        packed.push({ vm, disks });
    }
    return packed;
}
/** VMware puts the manifest behind the OVF, VirtualBox at the end. */
async function withManifest(spec, folder, { ovf, disks }) {
    const { style = 'vmware', digest = style === 'vmware' ? 'SHA256' : 'SHA1' } = spec;
    if (digest === 'none')
        return [ovf, ...disks];
    const name = `${spec.name}.mf`;
    await writeFile(join(folder, name), await manifest(folder, [ovf, ...disks], { digest, style }));
    return style === 'vmware' ? [ovf, name, ...disks] : [ovf, ...disks, name];
}
//# sourceMappingURL=build-ova.js.map