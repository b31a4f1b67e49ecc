const MiB = 2 ** 20;

export interface ClaimSizeRules {
  readonly volumeMode: 'Filesystem' | 'Block';
  /** Part of a Filesystem volume that the file system itself takes, from 0 to below 1; CDI's default is 0.06. */
  readonly overhead: number;
  /** The least that the storage gives, in bytes. */
  readonly minimumBytes: number;
}

/**
 * Bytes that a claim asks for, so that a raw disk fits into it. A file system takes its share of a volume, which is reckoned as
 * CDI does (kubevirt.io/containerized-data-importer v1.65.0, pkg/util/util.go, GetRequiredSpace and DefaultAlignBlockSize):
 * size / (1 − overhead), upwards to whole MiB. Pure.
 *
 * @param bytes of the disk
 */
export function claimBytes(bytes: number, { volumeMode, overhead, minimumBytes }: ClaimSizeRules): number {
  const needed = volumeMode === 'Filesystem' ? Math.ceil(bytes / (1 - overhead)) : bytes;
  return Math.ceil(Math.max(needed, minimumBytes, 1) / MiB) * MiB;
}
