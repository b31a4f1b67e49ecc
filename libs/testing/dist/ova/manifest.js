import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
/** The lines of a manifest for files of a folder, in the habit of the style. */
export async function manifest(folder, files, { digest, style }) {
    const lines = [];
    for (const file of files) {
        const hash = createHash(digest.toLowerCase());
        for await (const chunk of createReadStream(join(folder, file)))
            hash.update(chunk);
        const [open, equals] = style === 'virtualbox' ? [' (', ') = '] : ['(', ')= '];
        lines.push(`${digest}${open}${file}${equals}${hash.digest('hex')}\n`);
    }
    return lines.join('');
}
//# sourceMappingURL=manifest.js.map