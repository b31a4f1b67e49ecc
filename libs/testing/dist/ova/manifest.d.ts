import type { OvaSpec } from './ova-spec.js';
/** The lines of a manifest for files of a folder, in the habit of the style. */
export declare function manifest(folder: string, files: readonly string[], { digest, style }: {
    readonly digest: 'SHA1' | 'SHA256' | 'SHA512';
    readonly style: OvaSpec['style'];
}): Promise<string>;
//# sourceMappingURL=manifest.d.ts.map