import type { Release } from '@ledgerlift/contracts';
import { NotOurs } from '../../errors.js';
import { ClaimHeld } from '../errors.js';
import { anewOnConflict, deleteObject, listObjects } from '../objects.js';
import { type AtCluster, isOurs, ownSelector } from '../ownership.js';
import { resources } from '../resources.js';
import { type WaitTimes, untilSeen } from '../until-seen.js';
import { Claim, claimNamed, findClaim } from './claims.js';
import { holderOf } from './holders.js';

/**
 * Deletes a claim that this migration created, and waits until it is gone. The storage class decides whether its volume is deleted too.
 *
 * @returns `absent` if it was already gone, or its name now belongs to somebody else
 * @throws NotOurs if another tool brought it: such a claim is never deleted
 * @throws ClaimHeld if it is in use
 */
export async function releaseClaim(at: AtCluster, name: string, times?: WaitTimes): Promise<Release['how']> {
  const { connection, record, guard } = at;
  const named = claimNamed(record.targetNamespace, name);
  if (isAdopted(at, name)) throw new NotOurs(named, 'it was adopted, so it existed before');
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
      // Kubernetes keeps a claim in deletion while a pod uses it. Report a pod that started meanwhile instead of waiting for it.
      await assertFree(at, name);
      return undefined;
    },
    guard.signal,
    times,
  );
}

/**
 * Deletes leftover claims of this VM's migration: those that a crash left and no ledger lists.
 *
 * @param kept names of claims to keep
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
