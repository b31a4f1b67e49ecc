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

/** Why a resource stays after the outcome; undefined where it goes. An abandoned VM has no retry to keep things for. */
function reasonToKeep(resource: Resource, outcome: Outcome | 'abandoned'): string | undefined {
  switch (outcome) {
    case 'canceled':
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
  outcome: Outcome | 'abandoned',
): CleanupPlan {
  const release: Resource[] = [];
  const keep: Kept[] = [];
  for (const resource of Object.values(ledger)) {
    const reason = reasonToKeep(resource, outcome);
    if (reason === undefined) release.push(resource);
    else keep.push({ resource, reason });
  }
  return { release, keep };
}
