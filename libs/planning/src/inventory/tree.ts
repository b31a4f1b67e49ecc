import type { SourceVm, TreeNode, TreeQuery } from '@ledgerlift/contracts';

interface Branch {
  readonly id: string | undefined;
  readonly name: string;
  readonly kind: TreeNode['kind'];
  readonly branches: Map<string, Branch>;
  readonly leaves: SourceVm[];
  vms: number;
}

/**
 * The VMs of a source as a tree, starting at the node at `path`. Siblings with the same name have their ids in their paths.
 *
 * @returns undefined if there is no such node
 */
export function treeOf(source: string, vms: readonly SourceVm[], query: TreeQuery): TreeNode | undefined {
  const root = branch({ name: source, kind: 'source' });
  for (const vm of vms) {
    let at = root;
    at.vms += 1;
    for (const step of query.by === 'folder' ? folderSteps(vm) : hostSteps(vm)) {
      const key = step.id === undefined ? step.name : `${step.kind} ${step.id}`;
      const next = at.branches.get(key) ?? branch(step);
      at.branches.set(key, next);
      next.vms += 1;
      at = next;
    }
    at.leaves.push(vm);
  }
  const wanted = query.path.split('/').filter((name) => name !== '');
  let at: Branch | undefined = root;
  for (const name of wanted) at = at && inPaths(at).get(name);
  return at && nodeOf(at, `/${wanted.join('/')}`, query.depth, query, { left: MOST_NODES });
}

/** The branches of a node, by their names in paths. */
function inPaths({ branches }: Branch): ReadonlyMap<string, Branch> {
  const byName = Map.groupBy(branches.values(), ({ name }) => name);
  return new Map(
    [...byName].flatMap(([name, same]) =>
      same.map((each) => [same.length > 1 && each.id !== undefined ? `${name} (${each.id})` : name, each]),
    ),
  );
}

const branch = ({ id, name, kind }: Step): Branch => ({
  id,
  name,
  kind,
  branches: new Map(),
  leaves: [],
  vms: 0,
});

interface Step {
  /** Absent if the source has only names. */
  readonly id?: string | undefined;
  readonly name: string;
  readonly kind: TreeNode['kind'];
}

const datacenterOf = ({ datacenter, datacenterId }: SourceVm): readonly Step[] =>
  datacenter === undefined ? [] : [{ id: datacenterId, name: datacenter, kind: 'datacenter' }];

const folderSteps = (vm: SourceVm): readonly Step[] => [
  ...datacenterOf(vm),
  ...(vm.folder ?? '/')
    .split('/')
    .filter((name) => name !== '')
    .map((name): Step => ({ name, kind: 'folder' })),
];

const hostSteps = (vm: SourceVm): readonly Step[] => [
  ...datacenterOf(vm),
  ...(vm.cluster === undefined ? [] : [{ id: vm.clusterId, name: vm.cluster, kind: 'cluster' as const }]),
  ...(vm.host === undefined ? [] : [{ id: vm.hostId, name: vm.host, kind: 'host' as const }]),
];

/** The most nodes in one answer, because it must fit into a message. */
const MOST_NODES = 3000;

/** @param room how many more nodes the answer may have; the rest are only counted */
function nodeOf(
  at: Branch,
  path: string,
  depth: number,
  { offset, limit }: { readonly offset: number; readonly limit: number },
  room: { left: number },
): TreeNode {
  const { name, kind, vms } = at;
  const node = { name, kind, path, vms };
  if (depth === 0) return { ...node, more: 0 };
  const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  const below = [
    ...[...inPaths(at)].toSorted(([a], [b]) => compare(a, b)),
    ...at.leaves.toSorted((a, b) => compare(a.name, b.name) || compare(a.id, b.id)),
  ];
  const shown = below.slice(offset, offset + Math.min(limit, room.left));
  room.left -= shown.length;
  const children = shown.map((each) =>
    'id' in each
      ? leaf(each, path)
      : nodeOf(each[1], under(path, each[0]), depth - 1, { offset: 0, limit }, room),
  );
  return { ...node, children, more: Math.max(0, below.length - offset - shown.length) };
}

const under = (path: string, name: string): string => `${path === '/' ? '' : path}/${name}`;

const leaf = ({ id, name }: SourceVm, parent: string): TreeNode => ({
  name,
  kind: 'vm',
  path: under(parent, name),
  id,
  vms: 1,
  more: 0,
});
