import type { BytesEntry } from './tar-writer.js';

/** How a disk is written into the OVA. */
export interface OvaDisk {
  /** A raw file with the disk's bytes. */
  readonly raw: string;
  /** Of the VMDK; `streamOptimized` by default, as every exporter writes it. */
  readonly subformat?: 'streamOptimized' | 'monolithicSparse' | 'monolithicFlat';
  /** gzip over the whole file (`ovf:compression`). */
  readonly compression?: 'gzip';
  /** Cuts the file into pieces of so many bytes, named with nine digits (`ovf:chunkSize`). */
  readonly chunkSize?: number;
}

export interface OvaNic {
  readonly network: string;
  /** OVF's ResourceSubType; by default E1000. */
  readonly model?: 'E1000' | 'E1000e' | 'VmxNet3' | 'PCNet32';
  readonly mac?: string;
}

export interface OvaVm {
  readonly name: string;
  readonly disks: readonly OvaDisk[];
  readonly cpus?: number;
  readonly memoryMiB?: number;
  readonly firmware?: 'bios' | 'efi';
  /** On what the disks are. By default LSI Logic for VMware's style and SATA for VirtualBox's. */
  readonly controller?: 'lsilogic' | 'VirtualSCSI' | 'AHCI' | 'PIIX4';
  readonly nics?: readonly OvaNic[];
  /** VMware's osType, such as `debian12_64Guest`; VirtualBox's kind for its style. */
  readonly os?: string;
}

/** Units for the capacity of disks, as OVF writes them, and what they stand for. */
export interface CapacityUnits {
  readonly written: string;
  readonly bytes: number;
}

export interface OvaSpec {
  /** Of the OVA's files. */
  readonly name: string;
  /** Where it is made; must exist. */
  readonly folder: string;
  /** More than one are written as a VirtualSystemCollection. */
  readonly vms: readonly OvaVm[];
  /** Whose habits are followed; VMware's by default. */
  readonly style?: 'vmware' | 'virtualbox';
  /** Of the manifest. By default SHA256 for VMware's style and SHA1 for VirtualBox's. */
  readonly digest?: 'SHA1' | 'SHA256' | 'SHA512' | 'none';
  /** One tar, or a folder with the OVF beside its files. The tar by default. */
  readonly packing?: 'ova' | 'folder';
  /** By default bytes. A disk that no unit divides is rounded up. */
  readonly capacityUnits?: CapacityUnits;
  /** Makes the OVF another exporter's, or writes it in another encoding. The manifest is made afterwards. */
  readonly amend?: (ovf: string) => string | Buffer;
  /** Names of the files in the package, where they are not what the OVF calls them. */
  readonly rename?: (file: string) => string;
  /** Entries at the start of the tar that the OVF says nothing of. */
  readonly beside?: readonly BytesEntry[];
}

/** A disk as the OVF's References and DiskSection speak of it. */
export interface PackedDisk {
  readonly diskId: string;
  readonly fileId: string;
  readonly href: string;
  /** Of the file, or of all chunks together. */
  readonly size: number;
  readonly capacity: number;
  readonly disk: OvaDisk;
  /** All files that were written for it, in order. */
  readonly files: readonly string[];
}

export interface PackedVm {
  readonly vm: OvaVm;
  readonly disks: readonly PackedDisk[];
}
