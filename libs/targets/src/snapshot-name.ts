import { createHash } from 'node:crypto';
import type { VmRecord } from '@ledgerlift/contracts';

/** What all snapshots begin with that one VM's migration makes: nobody else's do, and a sweep finds them by it. */
export function snapshotPrefix({ installation, migrationId, index }: VmRecord): string {
  const run = createHash('sha256').update(`${installation}\n${migrationId}`).digest('hex').slice(0, 16);
  return `ledgerlift-${run}-${index}-`;
}

/** @param round number of the pass that reads it; `{round}` where an itinerary leaves it open */
export const snapshotName = (record: VmRecord, round: number | '{round}'): string =>
  `${snapshotPrefix(record)}${round}`;
