import type { VmRecord } from '@ledgerlift/contracts';
import { createHash } from 'node:crypto';
import { suffixedLabel } from '../../names.js';

type Whose = Pick<VmRecord, 'installation' | 'migrationId' | 'index' | 'targetName'>;

/** Names a VM's worker pod and the secret with its credential. Unique across installations. */
export const podName = (record: Whose): string => suffixedLabel(record.targetName, digestOf(record));

/** Names the claim for files beside the disks. */
export const scratchName = (record: Whose): string =>
  suffixedLabel(record.targetName, `${digestOf(record)}-scratch`);

/** Names the site of the VM's pod, which receives the requests for that pod only. @param site the site that reaches the cluster */
export const podSite = (site: string, record: Whose): string => `${site}.${podName(record)}`;

function digestOf({ installation, migrationId, index }: Whose): string {
  const whose = JSON.stringify([installation, migrationId, index]);
  return createHash('sha256').update(whose).digest('hex').slice(0, 10);
}
