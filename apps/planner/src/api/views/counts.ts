import type { VmCounts } from '@ledgerlift/contracts';
import type { VmPhase } from '@ledgerlift/migration';
import type { MigrationRun } from '../../runs/run-service.js';

type Bucket = Exclude<keyof VmCounts, 'total'>;

const bucketOf: Readonly<Record<VmPhase, Bucket>> = {
  planned: 'waiting',
  waiting: 'waiting',
  paused: 'paused',
  running: 'running',
  held: 'running',
  cleaning: 'running',
  succeeded: 'succeeded',
  failed: 'failed',
  canceled: 'canceled',
  'rolled-back': 'rolledBack',
};

export function countVms({ phases }: Pick<MigrationRun, 'phases'>): VmCounts {
  const counts: VmCounts = {
    total: 0,
    waiting: 0,
    running: 0,
    succeeded: 0,
    failed: 0,
    canceled: 0,
    paused: 0,
    rolledBack: 0,
  };
  for (const [phase, bucket] of Object.entries(bucketOf)) {
    const count = phases[phase as VmPhase];
    counts[bucket] += count;
    counts.total += count;
  }
  return counts;
}
