const MiB = 2 ** 20;
/** What conversions were seen to write: drivers, an initramfs for each kernel, logs. */
const CONVERSION_BYTES = 1024 * MiB;
const SMALL_FILES = 16 * MiB;

/**
 * Bytes that a conversion may write beside the disks: never more than the disks hold, and what qcow2 itself takes.
 * The planner counts the same, with the room for the disks, before the source is powered off (`roomNeeded` of
 * `@ledgerlift/targets`); the converter looks again right before it begins.
 */
export function overlayRoom(disks: readonly { readonly size: number }[]): number {
  const size = disks.reduce((sum, disk) => sum + disk.size, 0);
  return Math.min(size, CONVERSION_BYTES) + SMALL_FILES;
}
