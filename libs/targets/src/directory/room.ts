import type { RoomRequest } from '../port.js';

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

/**
 * Bytes to have free for one VM before its source is powered off: its disks in full (a sparse file may fill up),
 * what must be unpacked, and the overlays that its conversion writes, at most as much as the disks again.
 */
export const roomNeeded = (request: RoomRequest): number => sizeOf(request.disks) + roomBeside(request);

/** Of the same, what is written beside the disks: what must be unpacked, overlays and small files. */
export function roomBeside({ disks, conversion }: RoomRequest): number {
  const unpacked = sizeOf(disks.filter((disk) => disk.unpacked === 'unpacked'));
  return unpacked + (conversion === 'converted' ? overlayRoom(disks) : SMALL_FILES);
}

const sizeOf = (disks: readonly { readonly size: number }[]): number =>
  disks.reduce((sum, { size }) => sum + size, 0);
