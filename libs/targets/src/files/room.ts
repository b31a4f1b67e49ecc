const MiB = 2 ** 20;
/** What a conversion was seen to write: drivers, an initramfs for each kernel, logs. */
const OVERLAY_BYTES = 1024 * MiB;
/** Chunk hashes, manifests and logs of one VM, generously; what qcow2 itself takes is less. */
const SMALL_FILES = 16 * MiB;

/**
 * Bytes that the conversion of one VM may write into overlays beside its disks: never more than the disks hold. The
 * planner counts them before a plan starts, the transfer worker before the source is powered off, and the converter
 * before it begins (ADR 22).
 */
export function overlayRoom(disks: readonly { readonly size: number }[]): number {
  return Math.min(sizeOf(disks), OVERLAY_BYTES) + SMALL_FILES;
}

/** What one VM needs room for. */
export interface RoomRequest {
  /** Sizes of its disks in bytes, and whether each must be unpacked before it can be read. */
  readonly disks: readonly { readonly size: number; readonly unpacked: 'unpacked' | 'read-in-place' }[];
  /** A conversion writes into overlays before anything is committed. */
  readonly conversion: 'converted' | 'left-as-is';
}

/** Bytes that are written beside the disks of one VM: what must be unpacked, overlays and small files. */
export function roomBeside({ disks, conversion }: RoomRequest): number {
  const unpacked = sizeOf(disks.filter((disk) => disk.unpacked === 'unpacked'));
  return unpacked + (conversion === 'converted' ? overlayRoom(disks) : SMALL_FILES);
}

const sizeOf = (disks: readonly { readonly size: number }[]): number =>
  disks.reduce((sum, { size }) => sum + size, 0);
