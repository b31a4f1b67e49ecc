import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeSmallDisk } from '../disks/index.js';
import { buildOva, type BytesEntry, type TarEntry } from '../ova/index.js';
import { temporaryFolder } from '../temporary-folder.js';

/** The contents of one small honest OVA, from which the hostile ones are made. */
export interface HonestParts {
  readonly ovf: string;
  readonly vmdk: Buffer;
}

export const OVF = 'web.ovf';
export const DISK = 'web-disk1.vmdk';
export const MANIFEST = 'web.mf';
export const DISK_BYTES = 256 * 1024;

/** What a hostile OVA is made of: entries of a tar, or the bytes of a file that is none. */
export type Made = readonly TarEntry[] | Buffer;

export interface Recipe {
  readonly name: string;
  /** What is wrong with it. */
  readonly why: string;
  /** `refused`: reading it, or the validation of a plan, must say what is wrong. `survived`: nothing may crash. */
  readonly outcome: 'refused' | 'survived';
  /** The one code that names the cause, where it has one of its own. */
  readonly code?: string;
  readonly make: (parts: HonestParts) => Made;
}

/** Builds the honest OVA with a disk of 256 KiB. */
export async function honestParts(seed: number): Promise<HonestParts> {
  await using folder = temporaryFolder('honest');
  await makeSmallDisk(folder.file('raw'), { size: DISK_BYTES, seed, filled: 0.2, piece: 16 * 1024 });
  const { path } = await buildOva({
    name: 'web',
    folder: folder.path,
    packing: 'folder',
    digest: 'none',
    vms: [
      {
        name: 'web',
        disks: [{ raw: folder.file('raw') }],
        nics: [{ network: 'VM Network', mac: '00:50:56:01:02:03' }],
      },
    ],
  });
  const vmdk = withFixedCid(await readFile(join(dirname(path), DISK), 'latin1'));
  return { ovf: await readFile(path, 'utf8'), vmdk: Buffer.from(vmdk, 'latin1') };
}

const CID = '1edbe11f';
/**
 * qemu-img gives each VMDK a random CID: without it, the same seed makes the same bytes. It writes no leading zeros, so
 * one may be shorter than another; the zeros after the descriptor make up for it, and all else stays in its place.
 */
export const withFixedCid = (vmdk: string): string =>
  vmdk.replace(
    /^CID=([0-9a-f]{1,8})\n([^\0]*)(\0*)/m,
    (_all, cid: string, rest: string, zeros: string) =>
      `CID=${CID}\n${rest}${zeros.slice(CID.length - cid.length)}`,
  );

export const bytes = (name: string, content: string | Buffer): BytesEntry => ({
  name,
  bytes: Buffer.from(content),
});

/** The honest OVA with its OVF changed. A change that changes nothing is an error of the recipe. */
export function withOvf(change: (ovf: string) => string): (parts: HonestParts) => Made {
  return ({ ovf, vmdk }) => {
    const changed = change(ovf);
    if (changed === ovf) throw new Error('a hostile OVA is made like the honest one');
    return [bytes(OVF, changed), bytes(DISK, vmdk)];
  };
}

/** The honest OVA with another disk file. */
export function withDisk(disk: (vmdk: Buffer) => Buffer): (parts: HonestParts) => Made {
  return ({ ovf, vmdk }) => [bytes(OVF, ovf), bytes(DISK, disk(vmdk))];
}
