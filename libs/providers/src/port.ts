import type {
  Inventory,
  InventoryProblem,
  PowerState,
  ProviderSpec,
  SourceDisk,
  SourceVm,
} from '@ledgerlift/contracts';

/** How the bytes of a disk are read. */
export type DiskAccess =
  /** An image that qemu opens where it lies. */
  | {
      readonly kind: 'image';
      readonly driver: 'raw' | 'vmdk' | 'qcow2' | 'vpc';
      readonly file: string;
      readonly within?: { readonly offset: number; readonly length: number };
      /** Inflating takes more than one core can give: several servers read it at once. */
      readonly compressed: boolean;
    }
  /** It cannot be read at an offset: it is written to a claimed temporary file first, then read there. */
  | {
      readonly kind: 'unpack';
      readonly driver: 'raw' | 'vmdk' | 'qcow2' | 'vpc';
      unpackTo(path: string, signal: AbortSignal): Promise<void>;
    };

/** A kind of source. A new one is a folder beside this file and a line in the registry. */
export interface SourceProvider {
  readonly type: ProviderSpec['type'];
  readonly migrationTypes: readonly 'cold'[];
  /** What hinders to reach the source; nothing where it can be read. */
  check(spec: ProviderSpec): Promise<readonly InventoryProblem[]>;
  /** @throws where nothing can be read at all; what can be read in part is told in `problems` */
  inventory(spec: ProviderSpec): Promise<Inventory>;
  /** Reads the files of a VM once and compares them with their manifest. */
  verifyDigests(spec: ProviderSpec, vm: SourceVm): Promise<readonly InventoryProblem[]>;
  /** The VM as it is now; undefined when it is gone. */
  currentVm(spec: ProviderSpec, vmId: string): Promise<SourceVm | undefined>;
  powerState(spec: ProviderSpec, vm: SourceVm): Promise<PowerState>;
  /** Sees the VM off. @returns the moment of the source that its disks now stand for */
  powerOff(spec: ProviderSpec, vm: SourceVm): Promise<{ readonly momentId: string }>;
  diskAccess(spec: ProviderSpec, vm: SourceVm, disk: SourceDisk): DiskAccess;
}
