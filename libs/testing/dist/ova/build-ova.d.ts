import type { OvaSpec } from './ova-spec.js';
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
export declare function buildOva(spec: OvaSpec): Promise<BuiltOva>;
//# sourceMappingURL=build-ova.d.ts.map