import type { PackedVm } from './ova-spec.js';
type Style = 'vmware' | 'virtualbox';
/** The VirtualHardwareSection of one VM. */
export declare function hardwareSection({ vm, disks }: PackedVm, style: Style): string;
export {};
//# sourceMappingURL=ovf-hardware.d.ts.map