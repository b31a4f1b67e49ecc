import { createHash } from 'node:crypto';
import type { VmRecord } from '@ledgerlift/contracts';
import { suffixedLabel } from '../../names.js';

type Whose = Pick<VmRecord, 'installation' | 'migrationId' | 'index' | 'targetName'>;

/** Name of a VM's worker pod, and of the secret with its credential: no other VM of any installation has it. */
export const podName = (record: Whose): string => suffixedLabel(record.targetName, digestOf(record));

/** Name of the claim for what stands beside the disks. */
export const scratchName = (record: Whose): string =>
  suffixedLabel(record.targetName, `${digestOf(record)}-scratch`);

/** The site that is the VM's pod: requests for it are sent to nobody else. @param site at which the cluster is reached */
export const podSite = (site: string, record: Whose): string => `${site}.${podName(record)}`;

function digestOf({ installation, migrationId, index }: Whose): string {
  const whose = JSON.stringify([installation, migrationId, index]);
  return createHash('sha256').update(whose).digest('hex').slice(0, 10);
}
