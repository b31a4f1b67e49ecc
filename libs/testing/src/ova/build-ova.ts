import { mkdir, mkdtemp, rename as moveFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packDisk } from './disk-files.js';
import { manifest } from './manifest.js';
import type { OvaSpec, PackedDisk, PackedVm } from './ova-spec.js';
import { ovfDocument } from './ovf-document.js';
import { writeTar } from './tar-writer.js';

export interface BuiltOva {
  /** Of the OVA, or of the OVF where it is a folder. */
  readonly path: string;
  /** What the OVA or folder holds, in order: OVF, manifest, disks. */
  readonly files: readonly string[];
}

/**
 * Builds an OVA from raw disks, as `NAME.ova` in the folder, or as the folder `NAME` with `NAME.ovf` in it.
 * Needs qemu-img.
 */
export async function buildOva(spec: OvaSpec): Promise<BuiltOva> {
  const unpacked = spec.packing === 'folder';
  const work = unpacked ? join(spec.folder, spec.name) : await mkdtemp(join(spec.folder, '.ova-'));
  await mkdir(work, { recursive: true });
  const vms = await packVms(spec, work);
  const ovf = `${spec.name}.ovf`;
  const { amend = (text: string) => text, rename = (file: string) => file, beside = [] } = spec;
  await writeFile(join(work, ovf), amend(ovfDocument(spec, vms)));
  const disks: string[] = [];
  for (const file of vms.flatMap((vm) => vm.disks.flatMap((disk) => disk.files))) {
    disks.push(rename(file));
    if (rename(file) !== file) await moveFile(join(work, file), join(work, rename(file)));
  }
  const files = await withManifest(spec, work, { ovf, disks });
  if (unpacked) return { path: join(work, ovf), files };
  const path = join(spec.folder, `${spec.name}.ova`);
  await writeTar(path, [...beside, ...files.map((name) => ({ name, file: join(work, name) }))]);
  await rm(work, { recursive: true });
  return { path, files };
}

async function packVms(spec: OvaSpec, folder: string): Promise<readonly PackedVm[]> {
  const packed: PackedVm[] = [];
  let number = 0;
  for (const vm of spec.vms) {
    const disks: PackedDisk[] = [];
    for (const disk of vm.disks) {
      number += 1;
      disks.push(await packDisk(disk, { folder, name: spec.name, number }));
    }
    packed.push({ vm, disks });
  }
  return packed;
}

/** VMware puts the manifest behind the OVF, VirtualBox at the end. */
async function withManifest(
  spec: OvaSpec,
  folder: string,
  { ovf, disks }: { readonly ovf: string; readonly disks: readonly string[] },
): Promise<readonly string[]> {
  const { style = 'vmware', digest = style === 'vmware' ? 'SHA256' : 'SHA1' } = spec;
  if (digest === 'none') return [ovf, ...disks];
  const name = `${spec.name}.mf`;
  await writeFile(join(folder, name), await manifest(folder, [ovf, ...disks], { digest, style }));
  return style === 'vmware' ? [ovf, name, ...disks] : [ovf, ...disks, name];
}
