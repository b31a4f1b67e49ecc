import { execFileSync } from 'node:child_process';

/** Reads a file of the first partition (ext4) of a raw disk that nobody uses, without starting anything. */
export function readGuestFile(disk: string, file: string): string {
  const table = execFileSync('sfdisk', ['--json', disk], { encoding: 'utf8' });
  const { partitiontable } = JSON.parse(table) as {
    readonly partitiontable: { readonly partitions: readonly { readonly start: number }[] };
  };
  const offset = (partitiontable.partitions[0]?.start ?? 0) * 512;
  return execFileSync('debugfs', ['-R', `cat ${file}`, `${disk}?offset=${offset}`], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}
