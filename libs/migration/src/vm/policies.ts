import type { Outcome, Resource, RetryPolicy } from '@ledgerlift/contracts';
import type { Kept } from './state.js';

/**
 * Delay before the next attempt: exponential with the failures in a row, at most `maxDelayMs`, of which the second
 * half is jitter so that VMs that failed together do not come back together. Decided once and logged as a due time.
 *
 * @param random in [0, 1)
 */
export function retryDelayMs(policy: RetryPolicy, failuresInARow: number, random: number): number {
  const exponential = policy.baseDelayMs * 2 ** Math.min(failuresInARow - 1, 30);
  const full = Math.min(policy.maxDelayMs, exponential);
  return Math.round(full / 2 + (full / 2) * random);
}

export interface CleanupPlan {
  readonly release: readonly Resource[];
  readonly keep: readonly Kept[];
}

/**
 * What is removed, by the outcome or by the operator's word:
 *
 * - `abandoned`: there will be no retry to keep things for;
 * - `target`: the operator deletes the target itself, by a command that does nothing else.
 */
export type CleanupPolicy = Outcome | 'abandoned' | 'target';

/** Whether the target was ever allowed to start: then its disks may hold what no other copy has. */
export type TargetStart = 'never' | 'allowed';

/** Why a resource stays after the outcome; undefined where it goes. */
function reasonToKeep(resource: Resource, outcome: CleanupPolicy, target: TargetStart): string | undefined {
  // Whatever becomes of the target: what a retirement gave the source, its restoration takes away.
  if (resource.kind === 'source-tag') return 'the source bears it';
  // Before every outcome: it may have run, and nobody but an operator can say that what it wrote is not needed.
  const isLetGo = target === 'allowed' && outcome !== 'target' && outcome !== 'succeeded';
  if (isLetGo && resource.lifetime === 'result')
    return outcome === 'rolled-back'
      ? 'the target as it was stopped; only delete-target removes it'
      : 'the target was allowed to start; only delete-target removes it';
  switch (outcome) {
    case 'canceled':
      // Logs lie in the target's folder, and tell what was done with it.
      return isLetGo && resource.lifetime === 'evidence' ? 'the record of what happened' : undefined;
    case 'target':
      return undefined;
    case 'rolled-back':
      if (resource.lifetime === 'result') return 'the target as it was stopped';
      return resource.lifetime === 'evidence' ? 'the record of what happened' : undefined;
    case 'abandoned':
      return resource.lifetime === 'evidence' ? 'the record of what happened' : undefined;
    case 'succeeded':
      if (resource.lifetime === 'result') return 'the migrated VM';
      return resource.lifetime === 'evidence' ? 'the record of what happened' : undefined;
    case 'failed':
      if (resource.lifetime === 'result') return 'a retry goes on from it';
      if (resource.lifetime === 'resume') return 'a retry resumes from it';
      return resource.lifetime === 'evidence' ? 'the record of what happened' : undefined;
  }
}

/** Splits what is claimed and not released by the policy of the outcome. */
export function cleanupPlan(
  ledger: Readonly<Record<string, Resource>>,
  outcome: CleanupPolicy,
  target: TargetStart,
): CleanupPlan {
  const release: Resource[] = [];
  const keep: Kept[] = [];
  for (const resource of Object.values(ledger)) {
    const reason = reasonToKeep(resource, outcome, target);
    if (reason === undefined) release.push(resource);
    else keep.push({ resource, reason });
  }
  return { release, keep };
}
