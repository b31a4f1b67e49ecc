import { homedir } from 'node:os';
import { join } from 'node:path';
/** The one folder for what is expensive to make and may be deleted at any time: LEDGERLIFT_CACHE or the default. */
export function cacheFolder(...names) {
    return join(process.env['LEDGERLIFT_CACHE'] ?? join(homedir(), '.cache', 'ledgerlift'), ...names);
}
//# sourceMappingURL=cache-folder.js.map