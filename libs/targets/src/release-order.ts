import type { Resource } from '@ledgerlift/contracts';

/** Folders go after what lies in them, and inner ones before outer ones; the rest keeps its order. */
export function inReleaseOrder(resources: readonly Resource[]): Resource[] {
  const depth = (resource: Resource): number =>
    resource.kind === 'folder' ? 1 / resource.name.split('/').length : 0;
  return resources.toSorted((a, b) => depth(a) - depth(b));
}
