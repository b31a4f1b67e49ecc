import type { Outcome, Resource, RetryPolicy } from '@ledgerlift/contracts';
import type { Kept } from './state.js';

/**
 * Delay before the next attempt, in milliseconds: exponential in the failures in a row, at most `maxDelayMs`. Its second half
 * is jitter, so that VMs that failed together do not come back together. Decided once, and logged as a due time.
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
 * Why resources are removed: the outcome, or an operator's command:
 *
 * - `abandoned`: no retry will need them;
 * - `target`: `delete-target` deletes the target itself.
 */
export type CleanupPolicy = Outcome | 'abandoned' | 'target';

/** Whether the target was ever allowed to start. If so, its disks may hold data that exists nowhere else. */
export type TargetStart = 'never' | 'allowed';

/** Why a resource is kept; undefined if it is released. */
function reasonToKeep(resource: Resource, outcome: CleanupPolicy, target: TargetStart): string | undefined {
  // Whatever happens to the target: only a restoration removes the tag that the retirement set.
  if (resource.kind === 'source-tag') return 'it marks the retired source';
  // Comes before every outcome: the target may have run, and only an operator can decide to lose what it wrote.
  const isLetGo = target === 'allowed' && outcome !== 'target' && outcome !== 'succeeded';
  if (isLetGo && resource.lifetime === 'result')
    return outcome === 'rolled-back'
      ? 'the stopped target; only delete-target removes it'
      : 'the target was allowed to start; only delete-target removes it';
  switch (outcome) {
    case 'canceled':
      // Logs are in the target's folder and record what was done with it.
      return isLetGo && resource.lifetime === 'evidence' ? 'the record of what happened' : undefined;
    case 'target':
      return undefined;
    case 'rolled-back':
      if (resource.lifetime === 'result') return 'the stopped target';
      return resource.lifetime === 'evidence' ? 'the record of what happened' : undefined;
    case 'abandoned':
      return resource.lifetime === 'evidence' ? 'the record of what happened' : undefined;
    case 'succeeded':
      if (resource.lifetime === 'result') return 'the migrated VM';
      return resource.lifetime === 'evidence' ? 'the record of what happened' : undefined;
    case 'failed':
      if (resource.lifetime === 'result') return 'a retry continues from it';
      if (resource.lifetime === 'resume') return 'a retry resumes from it';
      return resource.lifetime === 'evidence' ? 'the record of what happened' : undefined;
  }
}

/** Divides the ledger, by the policy, into resources to release and to keep. */
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
