import { RecordMismatch, targetOf } from '@ledgerlift/targets';
import type { EnsurePod } from '@ledgerlift/worker';

/** Sees that the worker pod of a VM runs, as its kind of target does that. */
export const podOfTarget: EnsurePod = async ({ record, generation, site, signal, stillOurs, credential }) => {
  const { pods } = targetOf(record.target.type);
  if (pods === undefined)
    throw new RecordMismatch(`a target of type "${record.target.type}" has no worker pods`);
  return pods.ensure(record, { generation, signal, stillOurs }, { site, credential, now: new Date() });
};
