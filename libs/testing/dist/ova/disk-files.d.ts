import type { OvaDisk, PackedDisk } from './ova-spec.js';
/** Writes a disk's files into the folder: VMDK, then gzip, then chunks, as DSP0243 orders them. */
export declare function packDisk(disk: OvaDisk, { folder, name, number }: {
    readonly folder: string;
    readonly name: string;
    readonly number: number;
}): Promise<PackedDisk>;
//# sourceMappingURL=disk-files.d.ts.map