import { LedgerliftError } from '@ledgerlift/contracts';

/** A module that LEDGERLIFT_EXTENSIONS names cannot be used. */
export class BadExtension extends LedgerliftError {
  readonly code = 'LL-EXT-001';
  constructor(
    readonly module: string,
    reason: string,
    cause?: unknown,
  ) {
    super(
      `LEDGERLIFT_EXTENSIONS names '${module}', ${reason}; name ES modules that export \`providers\` or \`targets\`, by absolute path or ` +
        'package, with commas between, or leave it empty',
      { field: 'LEDGERLIFT_EXTENSIONS', cause },
    );
  }
}
