import { RecordMismatch, targetOf } from '@ledgerlift/targets';
import type { EnsurePod } from '@ledgerlift/worker';

/** Makes sure that a VM's worker pod runs, through its target. */
export const podOfTarget: EnsurePod = async ({ record, generation, site, signal, stillOurs, credential }) => {
  const { pods } = targetOf(record.target.type);
  if (pods === undefined)
    throw new RecordMismatch(`a target of type "${record.target.type}" has no worker pods`);
  return pods.ensure(record, { generation, signal, stillOurs }, { site, credential, now: new Date() });
};
