import type { RoomRequest } from '../port.js';

const MiB = 2 ** 20;
/** What a conversion was seen to write: drivers, an initramfs for each kernel, logs. */
const OVERLAY_BYTES = 1024 * MiB;
/** Chunk hashes, manifests and logs of one VM, generously. */
const SMALL_FILES = 16 * MiB;

/**
 * Bytes to have free for one VM before its source is powered off: its disks in full (a sparse file may fill up),
 * what must be unpacked, and the overlays that its conversion writes, at most as much as the disks again.
 */
export function roomNeeded({ disks, conversion }: RoomRequest): number {
  const size = disks.reduce((sum, disk) => sum + disk.size, 0);
  const unpacked = disks.reduce((sum, disk) => sum + (disk.unpacked === 'unpacked' ? disk.size : 0), 0);
  const overlays = conversion === 'converted' ? Math.min(size, OVERLAY_BYTES) : 0;
  return size + unpacked + overlays + SMALL_FILES;
}
