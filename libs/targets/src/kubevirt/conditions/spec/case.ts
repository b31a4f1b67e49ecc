import type { KubeVirtSettings } from '@ledgerlift/contracts';
import type { PlanAtTarget } from '../../../plan.js';
import type { ApiResource } from '../../resources.js';
import { KubernetesUnreachable } from '../../errors.js';
import type { ClusterView } from '../../inventory/cluster-inventory.js';
import type { KubeVirtView } from '../../look.js';
import { type Placed, gap, storagePair } from './fixtures.js';

/** A plan and a cluster: those of the fixtures, apart from what is said here. */
export interface Setup {
  readonly settings?: KubeVirtSettings;
  readonly vms?: readonly Placed[];
  readonly plan?: Partial<PlanAtTarget>;
  readonly cluster?: Partial<ClusterView>;
  readonly view?: Partial<KubeVirtView>;
}
/** What raises a condition, and its nearest neighbour that does not. */
export interface Case {
  readonly of: string;
  readonly reason: string;
  readonly items: readonly string[];
  /** Parts of its message. */
  readonly says?: readonly string[];
  readonly raised: Setup;
  readonly not: Setup;
}

export const nic = (over: object = {}) => ({
  id: 'nic-0',
  name: 'Network adapter 1',
  network: 'VM Network',
  mac: '00:50:56:aa:bb:cc',
  model: 'vmxnet3' as const,
  kind: 'ethernet' as const,
  ...over,
});

export const unreachable = new KubernetesUnreachable('https://api', 'list nodes', 'refused');

/** What is not known is not said to be missing. */
export const unknownCase = (
  of: string,
  reason: string,
  items: readonly string[],
  kind: ApiResource,
  { cluster, ...setup }: Setup,
): Case => ({
  of,
  reason,
  items,
  raised: { ...setup, cluster: cluster ?? {} },
  not: { ...setup, cluster: { ...cluster, gaps: [gap(kind, { state: 'refused', error: unreachable })] } },
});

export const pair = (accessMode: 'ReadWriteOnce' | 'ReadWriteMany', volumeMode: 'Block' | 'Filesystem') =>
  storagePair({ accessMode, volumeMode });
