import type { Objection } from '../../workplace.js';
import type { AtCluster } from '../ownership.js';
import { problemOf } from './brought.js';
import { recordedDisk } from './claim.js';
import { findClaim } from './claims.js';
import { claimUsers } from './holders.js';

/**
 * Looks once more at a claim that another tool brought, before it is converted. Changes nothing.
 *
 * @param size of the disk, in bytes
 * @returns what speaks against it; undefined: nothing
 */
export async function objectionToClaim(
  at: AtCluster,
  diskId: string,
  size: number,
): Promise<Objection | undefined> {
  const { pvcName } = recordedDisk(at.record, diskId);
  const claim = await findClaim(at, pvcName);
  if (claim === undefined) return { why: `there is no claim "${pvcName}" in the VM's namespace` };
  const problem = problemOf(
    claim,
    size,
    await claimUsers(at.connection, at.record.targetNamespace, at.guard.signal),
  );
  return problem === undefined ? undefined : { why: problem.message };
}
