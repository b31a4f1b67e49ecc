const SECTOR = 512;

/** Bytes that a disk of this size has: whole sectors, as QEMU counts too. */
export const allocatedSize = (size: number): number => Math.ceil(size / SECTOR) * SECTOR;
