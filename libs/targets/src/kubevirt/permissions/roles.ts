import { stringify } from 'yaml';
import type { TargetRoleRequest } from '../../port.js';
import { type Need, needs, resourceOf } from './needs.js';

/** A role or a binding of the API group rbac.authorization.k8s.io, ready to be applied. */
export interface RbacObject {
  readonly apiVersion: 'rbac.authorization.k8s.io/v1';
  readonly kind: 'ClusterRole' | 'ClusterRoleBinding' | 'Role' | 'RoleBinding';
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

const NAME = 'ledgerlift-migration';
const API = 'rbac.authorization.k8s.io';
const apiVersion = `${API}/v1` as const;

/**
 * The least roles for a migration: a ClusterRole for what is asked of the whole cluster, a Role in each namespace, and their bindings.
 *
 * @param table by default everything that Ledgerlift needs
 */
export function rolesFor(
  { account, namespaces }: TargetRoleRequest,
  table: readonly Need[] = needs,
): readonly RbacObject[] {
  const subjects = [{ kind: 'ServiceAccount', ...account }];
  const of = (scope: Need['scope']): object[] => rulesOf(table.filter((need) => need.scope === scope));
  return [
    { apiVersion, kind: 'ClusterRole', metadata: { name: NAME }, rules: of('cluster') },
    {
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata: { name: NAME },
      roleRef: { apiGroup: API, kind: 'ClusterRole', name: NAME },
      subjects,
    },
    ...namespaces.flatMap((namespace): RbacObject[] => [
      { apiVersion, kind: 'Role', metadata: { name: NAME, namespace }, rules: of('namespace') },
      {
        apiVersion,
        kind: 'RoleBinding',
        metadata: { name: NAME, namespace },
        roleRef: { apiGroup: API, kind: 'Role', name: NAME },
        subjects,
      },
    ]),
  ];
}

/** The same as one YAML file, for `kubectl apply`. */
export function roleManifest(request: TargetRoleRequest): string {
  return rolesFor(request)
    .map(
      (object) => `---\n${stringify(object, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false })}`,
    )
    .join('');
}

/** One rule for each kind: all of its verbs. */
function rulesOf(table: readonly Need[]): object[] {
  const verbs = Map.groupBy(table, (need) => `${need.kind.group}/${resourceOf(need)}`);
  return [...verbs.values()].flatMap((of) => {
    const [first] = of;
    return first === undefined
      ? []
      : [
          {
            apiGroups: [first.kind.group],
            resources: [resourceOf(first)],
            verbs: of.map(({ verb }) => verb),
          },
        ];
  });
}
