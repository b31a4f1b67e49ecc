import type { InventoryProblem } from '@ledgerlift/contracts';
import { problemOf } from './errors.js';
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

/** Reads and verifies each file once, even if the manifest has several names for it. */
export async function verifyFiles(files: readonly FileToVerify[], item: string): Promise<InventoryProblem[]> {
  const once = new Map(
    files.map((each) => [
      [each.at.file, each.at.offset, each.digest.algorithm, each.digest.hex].join(),
      each,
    ]),
  );
  const problems: InventoryProblem[] = [];
  for (const { name, digest, at } of once.values()) {
    try {
      await verifyDigest(name, at, digest);
    } catch (error) {
      problems.push(problemOf(item, error));
    }
  }
  return problems;
}
