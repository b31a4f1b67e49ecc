import type { Release } from '@ledgerlift/contracts';
import { NotOurs } from '../../errors.js';
import { ClaimHeld } from '../errors.js';
import { anewOnConflict, deleteObject, listObjects } from '../objects.js';
import { type AtCluster, isOurs, ownSelector } from '../ownership.js';
import { resources } from '../resources.js';
import { type WaitTimes, untilSeen } from '../until-seen.js';
import { Claim, claimNamed } from './claim.js';
import { findClaim } from './claims.js';
import { holderOf } from './holders.js';

/**
 * Deletes a claim that this migration made, and waits until it is gone. Its volume goes with it, where the storage class says so.
 *
 * @returns `absent` when it was gone before, or what stands there now is not ours
 * @throws NotOurs, where it was brought by another tool: such a claim is never deleted
 * @throws ClaimHeld, where somebody uses it
 */
export async function releaseClaim(at: AtCluster, name: string, times?: WaitTimes): Promise<Release['how']> {
  const { connection, record, guard } = at;
  const named = claimNamed(record.targetNamespace, name);
  if (isAdopted(at, name)) throw new NotOurs(named, 'it was there before, and adopted');
  const uid = await anewOnConflict(async () => {
    const claim = await findClaim(at, name);
    if (claim === undefined || !isOurs(claim, record)) return undefined;
    await assertFree(at, name);
    const isEnding = claim.metadata.deletionTimestamp !== undefined;
    if (isEnding) return claim.metadata.uid;
    const how = await deleteObject(connection, resources.claims, claim.metadata, 'Background', guard);
    return how === 'absent' ? undefined : claim.metadata.uid;
  });
  if (uid === undefined) return 'absent';
  const selection = { namespace: record.targetNamespace, fieldSelector: `metadata.name=${name}` };
  return untilSeen(
    connection,
    [{ kind: resources.claims, selection }],
    async () => {
      const left = await findClaim(at, name);
      if (left?.metadata.uid !== uid) return 'removed';
      // Kubernetes keeps a claim in deletion for as long as a pod uses it: who came in between is told, not waited for.
      await assertFree(at, name);
      return undefined;
    },
    guard.signal,
    times,
  );
}

/**
 * Deletes the claims of this VM's migration that are not to be kept: those that a crash left, and no ledger has.
 *
 * @param kept names of claims
 * @throws as `releaseClaim`
 */
export async function sweepClaims(at: AtCluster, kept: readonly string[], times?: WaitTimes): Promise<void> {
  const { connection, record, guard } = at;
  const selection = { namespace: record.targetNamespace, labelSelector: ownSelector(record) };
  const ours = await listObjects(connection, resources.claims, selection, Claim, guard.signal);
  for (const { metadata } of ours)
    if (!kept.includes(metadata.name) && !isAdopted(at, metadata.name))
      await releaseClaim(at, metadata.name, times);
}

const isAdopted = ({ record }: AtCluster, name: string): boolean =>
  record.disks.some(({ adopted, pvcName }) => adopted === true && pvcName === name);

async function assertFree(at: AtCluster, name: string): Promise<void> {
  const holder = await holderOf(at, [name]);
  if (holder !== undefined) throw new ClaimHeld(claimNamed(at.record.targetNamespace, name), holder.who);
}
