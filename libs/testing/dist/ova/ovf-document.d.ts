import type { OvaSpec, PackedVm } from './ova-spec.js';
/** The OVF of DSP0243 (envelope 1), in the habits of VMware's or VirtualBox's exporters. */
export declare function ovfDocument(spec: OvaSpec, vms: readonly PackedVm[]): string;
//# sourceMappingURL=ovf-document.d.ts.map