import { BadOva } from './errors.js';

export type DigestAlgorithm = 'sha1' | 'sha256' | 'sha512';
export interface FileDigest {
  readonly algorithm: DigestAlgorithm;
  readonly hex: string;
}

const algorithms: Readonly<Record<string, DigestAlgorithm>> = {
  SHA1: 'sha1',
  SHA256: 'sha256',
  SHA512: 'sha512',
};
const lengths: Readonly<Record<DigestAlgorithm, number>> = { sha1: 40, sha256: 64, sha512: 128 };

/** Parses lines of `SHA256(file)= hex` (DSP0243, 6.1). @throws BadOva */
export function parseManifest(content: string): ReadonlyMap<string, FileDigest> {
  const digests = new Map<string, FileDigest>();
  content
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .forEach((line, index) => {
      if (line.trim() === '') return;
      const match = /^(SHA-?\d+)\s*\((.+)\)\s*=\s*([0-9a-fA-F]+)\s*$/.exec(line);
      const algorithm = algorithms[match?.[1]?.replace('-', '') ?? ''];
      const [name, hex] = [match?.[2], match?.[3]?.toLowerCase()];
      if (algorithm === undefined || name === undefined || hex?.length !== lengths[algorithm]) {
        throw new BadOva(
          'badManifest',
          `line ${index + 1} of the manifest is not 'SHA1|SHA256|SHA512(file)= digest'`,
          `manifest.line[${index + 1}]`,
        );
      }
      digests.set(name, { algorithm, hex });
    });
  return digests;
}
