import type { SourceVm, TreeNode, TreeQuery } from '@ledgerlift/contracts';

interface Branch {
  readonly name: string;
  readonly kind: TreeNode['kind'];
  readonly path: string;
  readonly branches: Map<string, Branch>;
  readonly leaves: SourceVm[];
  vms: number;
}

/**
 * The VMs of a source as a tree, from the node at `path` on.
 *
 * @returns undefined where there is no such node
 */
export function treeOf(source: string, vms: readonly SourceVm[], query: TreeQuery): TreeNode | undefined {
  const root = branch(source, 'source', '/');
  for (const vm of vms) {
    const steps = query.by === 'folder' ? folderSteps(vm) : hostSteps(vm);
    let at = root;
    at.vms += 1;
    for (const { name, kind } of steps) {
      const path = `${at.path === '/' ? '' : at.path}/${name}`;
      const next = at.branches.get(name) ?? branch(name, kind, path);
      at.branches.set(name, next);
      next.vms += 1;
      at = next;
    }
    at.leaves.push(vm);
  }
  const wanted = query.path.split('/').filter((name) => name !== '');
  let at: Branch | undefined = root;
  for (const name of wanted) at = at?.branches.get(name);
  return at && nodeOf(at, query.depth, query, { left: MOST_NODES });
}

const branch = (name: string, kind: TreeNode['kind'], path: string): Branch => ({
  name,
  kind,
  path,
  branches: new Map(),
  leaves: [],
  vms: 0,
});

interface Step {
  readonly name: string;
  readonly kind: TreeNode['kind'];
}

const folderSteps = ({ datacenter, folder = '/' }: SourceVm): readonly Step[] => [
  ...(datacenter === undefined ? [] : [{ name: datacenter, kind: 'datacenter' as const }]),
  ...folder
    .split('/')
    .filter((name) => name !== '')
    .map((name): Step => ({ name, kind: 'folder' })),
];

const hostSteps = ({ datacenter, cluster, host }: SourceVm): readonly Step[] => [
  ...(datacenter === undefined ? [] : [{ name: datacenter, kind: 'datacenter' as const }]),
  ...(cluster === undefined ? [] : [{ name: cluster, kind: 'cluster' as const }]),
  ...(host === undefined ? [] : [{ name: host, kind: 'host' as const }]),
];

/** In one answer, which has to fit into a message. */
const MOST_NODES = 3000;

/** @param room how many more nodes the answer may have: what does not fit is counted, and not shown */
function nodeOf(
  at: Branch,
  depth: number,
  { offset, limit }: { readonly offset: number; readonly limit: number },
  room: { left: number },
): TreeNode {
  const { name, kind, path, vms } = at;
  const node = { name, kind, path, vms };
  if (depth === 0) return { ...node, more: 0 };
  const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
    a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
  const below = [
    ...[...at.branches.values()].toSorted(byName),
    ...at.leaves.toSorted((a, b) => byName(a, b) || byName({ name: a.id }, { name: b.id })),
  ];
  const shown = below.slice(offset, offset + Math.min(limit, room.left));
  room.left -= shown.length;
  const children = shown.map((each) =>
    'branches' in each ? nodeOf(each, depth - 1, { offset: 0, limit }, room) : leaf(each, path),
  );
  return { ...node, children, more: Math.max(0, below.length - offset - shown.length) };
}

const leaf = ({ id, name }: SourceVm, parent: string): TreeNode => ({
  name,
  kind: 'vm',
  path: `${parent === '/' ? '' : parent}/${name}`,
  id,
  vms: 1,
  more: 0,
});
