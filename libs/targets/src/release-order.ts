import type { Resource } from '@ledgerlift/contracts';

/**
 * Worker pods go before what they have mounted, folders after what lies in them, and inner folders before outer ones; the rest keeps its
 * order.
 */
export function inReleaseOrder(resources: readonly Resource[]): Resource[] {
  const rank = ({ kind, name }: Resource): number => {
    if (kind === 'worker-pod') return -1;
    return kind === 'folder' ? 1 / name.split('/').length : 0;
  };
  return resources.toSorted((a, b) => rank(a) - rank(b));
}
