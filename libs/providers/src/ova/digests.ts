import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { InventoryProblem, SourceVm } from '@ledgerlift/contracts';
import { BadOva, problemOf, unreadable } from './errors.js';
import { type FileDigest, digestMismatch } from './manifest.js';
import { type Located, type OvaPackage } from './package.js';

const READ_AT_ONCE = 1024 * 1024;
/** What is not a disk of this VM is read too while it is small; what is larger is another VM's disk, or nobody's. */
const SMALL = 1024 * 1024;

/**
 * Compares the files of one VM with the manifest, reading each once.
 *
 * @returns what differs
 * @throws BadOva where a file cannot be read now: whether it differs is then not known; the signal's reason
 */
export async function digestProblems(
  pkg: OvaPackage,
  vm: SourceVm,
  signal?: AbortSignal,
): Promise<readonly InventoryProblem[]> {
  const mine = new Set(vm.disks.flatMap(({ backing }) => backing.parts.map(keyOf)));
  const problems: InventoryProblem[] = [];
  for (const [name, digest] of pkg.manifest) {
    // The descriptor was compared when the package was opened.
    if (name.toLowerCase().endsWith('.ovf')) continue;
    try {
      const found = await pkg.find(name, `manifest.${name}`);
      if (mine.has(keyOf(found)) || found.length <= SMALL) await verify(name, found, digest, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof BadOva) || error.failure !== 'permanent') throw error;
      problems.push(problemOf(vm.name, error));
    }
  }
  return problems;
}

const keyOf = ({ file, offset }: Located): string => `${offset}@${file}`;

async function verify(
  name: string,
  { file, offset, length }: Located,
  digest: FileDigest,
  signal: AbortSignal | undefined,
): Promise<void> {
  const hash = createHash(digest.algorithm);
  if (length > 0) {
    const stream = createReadStream(file, {
      start: offset,
      end: offset + length - 1,
      highWaterMark: READ_AT_ONCE,
      ...(signal === undefined ? {} : { signal }),
    });
    try {
      for await (const chunk of stream) hash.update(chunk as Buffer);
    } catch (error) {
      throw unreadable(file, error);
    }
  }
  const actual = hash.digest('hex');
  if (actual !== digest.hex) throw digestMismatch(name, digest, actual);
}
