import type { VmCounts } from '@ledgerlift/contracts';
import type { VmRun } from '../../runs/run-service.js';

type Bucket = Exclude<keyof VmCounts, 'total'>;

const bucketOf: Readonly<Record<string, Bucket>> = {
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

export function countVms(vms: readonly VmRun[]): VmCounts {
  const counts: VmCounts = {
    total: vms.length,
    waiting: 0,
    running: 0,
    succeeded: 0,
    failed: 0,
    canceled: 0,
    paused: 0,
    rolledBack: 0,
  };
  for (const { state } of vms) counts[bucketOf[state?.phase ?? 'planned'] ?? 'running'] += 1;
  return counts;
}
