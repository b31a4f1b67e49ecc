import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { OvaSpec } from './ova-spec.js';

/** The lines of a manifest for files of a folder, in the habit of the style. */
export async function manifest(
  folder: string,
  files: readonly string[],
  { digest, style }: { readonly digest: 'SHA1' | 'SHA256' | 'SHA512'; readonly style: OvaSpec['style'] },
): Promise<string> {
  const lines: string[] = [];
  for (const file of files) {
    const hash = createHash(digest.toLowerCase());
    for await (const chunk of createReadStream(join(folder, file))) hash.update(chunk as Buffer);
    const [open, equals] = style === 'virtualbox' ? [' (', ') = '] : ['(', ')= '];
    lines.push(`${digest}${open}${file}${equals}${hash.digest('hex')}\n`);
  }
  return lines.join('');
}
