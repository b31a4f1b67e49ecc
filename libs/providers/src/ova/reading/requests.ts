import type { FilesToVerify } from '../digests.js';
import type { PackageContents } from '../inventory.js';

/** Requests to the reading thread, with the type of each answer. Answers travel as text, whose size is known before parsing. */
export interface Answers {
  /** The package's content. */
  readonly contents: PackageContents;
  /** The package's files with digests. */
  readonly digests: FilesToVerify;
}
export interface PackageRequest {
  readonly what: keyof Answers;
  readonly path: string;
}
