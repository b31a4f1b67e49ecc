import type { InventoryProblem } from '@ledgerlift/contracts';
import { stat } from 'node:fs/promises';
import { BadOva, problemOf } from './errors.js';
import type { FileDigest } from './manifest.js';
import { type Located, openPackage, verifyDigest } from './package.js';

export interface FileToVerify {
  readonly name: string;
  readonly digest: FileDigest;
  readonly at: Located;
}

/** The files of a package with their digests from the manifest. */
export interface FilesToVerify {
  readonly files: readonly FileToVerify[];
  /** Problems with files that the manifest names, such as missing ones. */
  readonly problems: readonly InventoryProblem[];
}

/** Finds the files for which a package's manifest has digests. */
export async function filesToVerify(path: string): Promise<FilesToVerify> {
  const files: FileToVerify[] = [];
  const problems: InventoryProblem[] = [];
  try {
    const { manifest, named } = await openPackage(path);
    for (const [name, digest] of manifest) {
      // Opening the package already verified the descriptor.
      if (name.toLowerCase().endsWith('.ovf')) continue;
      try {
        files.push({ name, digest, at: await named(name, `manifest.${name}`) });
      } catch (error) {
        problems.push(problemOf(path, error));
      }
    }
    return { files, problems };
  } catch (error) {
    return { files: [], problems: [problemOf(path, error)] };
  }
}

/** Bounds the memory of a planner that sees new packages for months. */
const MOST_REMEMBERED = 10_000;
/** What each file came to, by its place, its digest and its state on disk. */
const remembered = new Map<string, Promise<void>>();

/** Reads a file again only if it was changed since, because every VM of a package asks for all its files. @throws BadOva */
async function verifyOnce({ name, digest, at }: FileToVerify): Promise<void> {
  // A file that was replaced may have the old one's size and modification time, but not its change time.
  const { size, mtimeMs, ctimeMs } = await stat(at.file);
  const key = [keyOf({ name, digest, at }), at.length, size, mtimeMs, ctimeMs].join();
  const known = remembered.get(key);
  if (known !== undefined) return known;
  const verification = verifyDigest(name, at, digest);
  remembered.set(key, verification);
  const [oldest] = remembered.keys();
  if (oldest !== undefined && remembered.size > MOST_REMEMBERED) remembered.delete(oldest);
  try {
    await verification;
  } catch (error) {
    // Storage may be readable again later.
    if (!(error instanceof BadOva)) remembered.delete(key);
    throw error;
  }
}

const keyOf = ({ digest, at }: FileToVerify): string =>
  [at.file, at.offset, digest.algorithm, digest.hex].join();

/** Reads and verifies each file once, even if the manifest has several names for it. */
export async function verifyFiles(files: readonly FileToVerify[], item: string): Promise<InventoryProblem[]> {
  const once = new Map(files.map((each) => [keyOf(each), each]));
  const problems: InventoryProblem[] = [];
  for (const file of once.values()) {
    try {
      await verifyOnce(file);
    } catch (error) {
      problems.push(problemOf(item, error));
    }
  }
  return problems;
}
