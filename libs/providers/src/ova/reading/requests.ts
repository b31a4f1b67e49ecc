import type { PackageContents } from '../inventory.js';
import type { FilesToVerify } from '../digests.js';

/** What a thread that reads packages may be asked, and what it answers: as text, whose size is known before it is parsed. */
export interface Answers {
  /** What the package holds. */
  readonly contents: PackageContents;
  /** Which of its files have a digest. */
  readonly digests: FilesToVerify;
}
export interface PackageRequest {
  readonly what: keyof Answers;
  readonly path: string;
}
